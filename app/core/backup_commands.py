"""The commands of backups: backup, restore."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli import oncall, with_app
from app.core.errors import Invalid

FILE = click.Path(dir_okay=False, path_type=Path)


@oncall.command()
@click.argument("file", type=FILE)
@click.option("--verify", "only_verify", is_flag=True, help="Only read FILE: is every row there, as it was written?")
@with_app
def backup(file: Path, only_verify: bool) -> None:
    """Write everything into FILE while the system runs; it is read again and compared before it gets its name."""
    from app.core import backup as backups

    try:
        found = backups.verify(file) if only_verify else backups.make(file, progress=_progress)
    except OSError as fault:
        raise click.ClickException(f"{file}: {fault.strerror}") from None
    click.echo(f"{file}: {found.rows} rows of {len(found.tables)} tables, made {found.made_at}, verified")
    click.echo(f"keep its keys apart: {', '.join(found.keys)} of ENCRYPTION_KEYS; without them its secrets can't be read")


@oncall.command()
@click.argument("file", type=FILE, required=False)
@click.option("--force", is_flag=True, help="Empty a database that holds something, first. The system has to be stopped.")
@click.option("--release", is_flag=True, help="Let go what was held since the restore.")
@with_app
def restore(file: Path | None, force: bool, release: bool) -> None:
    """Fill an empty database from FILE, of either kind of database. Nothing is sent until `oncall restore --release`."""
    from app.core import hold, restoring, secrets
    from app.core.access import OPERATOR
    from app.core.db import transaction

    if release == (file is not None) or (release and force):
        raise click.UsageError("Name a FILE, or say --release")
    if file is None:
        with transaction():
            let_go = hold.release(by=OPERATOR)
        click.echo(f"released: {let_go}" if let_go else "nothing was held")
        return
    try:
        found = restoring.restore(file, force=force, progress=_progress)
    except OSError as fault:
        raise Invalid(f"{file}: {fault.strerror}") from None
    missing = set(found.keys) - set(secrets.key_ids())
    click.echo(f"restored {found.rows} rows of {len(found.tables)} tables, made {found.made_at}")
    if missing:
        click.echo(f"warning: keys are missing: {', '.join(sorted(missing))}; put them into ENCRYPTION_KEYS", err=True)
    click.echo("nothing is sent until you run `oncall restore --release`")


def _progress(text: str) -> None:
    click.echo(text, err=True)
