"""The command of web push: print, make or rotate the keys that name us to push services."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app

from app.cli import oncall, show, with_app
from app.core.errors import Conflict
from app.core.settings import origin, replace_key, vapid_pair

NAMES = ("VAPID_PRIVATE_KEY", "VAPID_PUBLIC_KEY")


@oncall.command()
@click.option("--make", is_flag=True, help="Print a fresh pair, to be set by you; changes nothing.")
@click.option("--rotate", is_flag=True, help="Replace the pair that this installation made; in use after the next start.")
@click.option("--json", "as_json", is_flag=True)
@with_app
def vapid(make: bool, rotate: bool, as_json: bool) -> None:
    """Print the public key that browsers subscribe with, make a pair, or replace the present one."""
    if make and rotate:
        raise click.UsageError("Say --make or --rotate")
    if make:
        pair = dict(zip(NAMES, vapid_pair().split(), strict=True))
        show({name.removeprefix("VAPID_").lower(): value for name, value in pair.items()}) if as_json else click.echo(
            "\n".join(f"{name}={value}" for name, value in pair.items()))
        return
    key = _replaced() if rotate else current_app.config["VAPID_PUBLIC_KEY"]
    show({"public_key": key}) if as_json else click.echo(key)
    if rotate:
        click.echo("Start web, worker and clock again to use it. Browsers subscribe anew by themselves at their next visit; "
                   "until then they are not paged, and their owners are told.", err=True)


def _replaced() -> str:
    """Make a new pair in the instance folder; the new public key. Raises Conflict where the keys come from elsewhere."""
    if given := [name for name in NAMES if origin(name) != "default"]:
        raise Conflict(f"{' and '.join(given)} {'are' if given[1:] else 'is'} set by you: put the pair there that "
                       "`oncall vapid --make` prints, and start again.")
    pair = vapid_pair()
    replace_key(Path(current_app.config["ONCALL_INSTANCE"]) / "keys" / "vapid", pair)
    return pair.split()[1]
