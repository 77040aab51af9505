"""The commands about the system: migrate, doctor, plugins, secrets."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

import click
from flask import current_app

from app.cli import oncall, show, with_app


@oncall.command()
@click.option("--check", is_flag=True, help="Only say what an upgrade would do and lock; exit 1 if it would fail.")
@click.option("--exit-code", is_flag=True, help="With --check: exit 1 also while migrations are pending.")
@click.option("--json", "as_json", is_flag=True, help="With --check.")
@with_app
def migrate(check: bool, exit_code: bool, as_json: bool) -> None:
    """Bring the database up to date."""
    from app.core import schema

    if check:
        _check_upgrade(exit_code, as_json)
    elif exit_code or as_json:
        raise click.UsageError("--exit-code and --json go with --check")
    else:
        click.echo("migrated" if schema.migrate() else "the database is up to date")


def _check_upgrade(exit_code: bool, as_json: bool) -> None:
    from app.core.upgrade import plan

    found = plan()
    if as_json:
        show({"ok": not found.faults, **asdict(found)})
    else:
        click.echo("migrations are pending" if found.pending else "the database is up to date")
        for step in found.pending:
            click.echo(f"  {step.revision}  {step.title}")
            for lock in step.locks:
                click.echo(f"        {lock.table} is {lock.how} (about {max(0, lock.rows or 0):,} rows)")
        for text in found.warnings:
            click.echo(f"note: {text}")
        for text in found.faults:
            click.echo(f"! {text}")
    raise SystemExit(1 if found.faults or (exit_code and found.pending) else 0)


@oncall.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def plugins(context: click.Context, as_json: bool) -> None:
    """List the plugins, or write a new one."""
    if context.invoked_subcommand is None:
        _list_plugins(as_json)


@with_app
def _list_plugins(as_json: bool) -> None:
    registry = current_app.extensions["plugins"]
    rows = [{"slug": found.slug, "name": found.name, "version": found.version, "source": found.source,
             "state": "enabled" if found.enabled else "off"} for found in registry.installed]
    rows += [{"slug": broken.slug, "name": "", "version": "", "source": broken.source,
              "state": f"broken: {broken.reason}"} for broken in registry.broken]
    if as_json:
        return show(rows)
    for row in rows:
        click.echo(f"{row['slug']:<20} {row['state']:<10} {row['source']:<8} {row['version']:<8} {row['name']}")


@plugins.command("new")
@click.argument("slug")
@click.option("--kind", type=click.Choice(["integration", "channel", "target", "action"]), default="integration",
              show_default=True)
@with_app
def new_plugin(slug: str, kind: Literal["integration", "channel", "target", "action"]) -> None:
    """Write a plugin folder that passes its contract tests."""
    from app.core.plugins_new import scaffold

    for path in scaffold(slug, kind, current_app.config["ROOT"]):
        click.echo(path)


@oncall.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--verify-log", is_flag=True, help="Walk the chain over the event log: was a row changed or removed?")
@click.option("--rebuild-insights", is_flag=True, help="Make all figures again from the log, first.")
@click.option("--settings", "with_settings", is_flag=True, help="List every setting with its value, origin and help.")
@with_app
def doctor(as_json: bool, verify_log: bool, rebuild_insights: bool, with_settings: bool) -> None:
    """Say what is wrong, in sentences, and what to do about it: lines with ! are failures, and only these end with 1."""
    from app.core.doctor import LINKS, diagnose

    if rebuild_insights:
        from app import wiring
        from app.core.jobs import function

        function(wiring.REBUILD)(_so_far)

    found = diagnose(None if verify_log else LINKS)
    if as_json:
        show({**found.figures, "ok": found.ok, "problems": found.problems, "warnings": found.warnings})
    else:
        for name, value in found.figures.items():
            click.echo(f"{name:<20} {value}")
        for problem in found.problems:
            click.echo(f"\n! {problem}")
        for warning in found.warnings:
            click.echo(f"\nnote: {warning}")
        click.echo("\nEverything is fine." if found.ok and not found.warnings else
                   "\nNothing has failed." if found.ok else "")
    if with_settings and not as_json:
        _list_settings()
    raise SystemExit(0 if found.ok else 1)


def _so_far(done: int, of: int) -> None:
    """Now and then a line beside the answer."""
    if done % 5000 == 0 or done >= of:
        click.echo(f"{done:,} of {of:,} incidents", err=True)


def _list_settings() -> None:
    from app.core.settings import SETTINGS, origin

    for setting in SETTINGS:
        value = "***" if setting.secret and current_app.config[setting.name] else current_app.config[setting.name]
        click.echo(f"{setting.name:<18} {value!s:<40} ({origin(setting.name)}) {setting.help}")


@oncall.group("secrets")
def stored_secrets() -> None:
    """Keys that encrypt what is stored: list them, make one, encrypt everything anew."""


@stored_secrets.command("list")
@click.option("--json", "as_json", is_flag=True)
@with_app
def list_keys(as_json: bool) -> None:
    """How many stored secrets each key encrypted; the first key encrypts."""
    from app.core import rotation, secrets

    found = {name: 0 for name in secrets.key_ids()} | rotation.counts()
    if as_json:
        return show(found)
    for place, (name, number) in enumerate(found.items()):
        note = "missing" if name not in secrets.key_ids() else "encrypts" if place == 0 else "only decrypts"
        click.echo(f"{name}  {number:>8}  {note}")


@stored_secrets.command("key")
def new_key() -> None:
    """Print a fresh key, to put in front of ENCRYPTION_KEYS."""
    from app.core.secrets import new_key

    click.echo(new_key())


@stored_secrets.command("rotate")
@click.option("--json", "as_json", is_flag=True)
@with_app
def rotate_secrets(as_json: bool) -> None:
    """Encrypt everything with the first key; a generated first key is replaced by a new one before."""
    from app.core import rotation, secrets
    from app.core.settings import keys_again

    if keys_again(current_app.config) is not None:
        rotation.add_key()
    done = rotation.rotate()
    found = {"key": secrets.key_ids()[0], "encrypted": done.done, "unreadable": done.unreadable}
    if as_json:
        return show(found)
    click.echo(f"{done.done} secrets were encrypted with the key {found['key']}")
    for place in done.unreadable:
        click.echo(f"! {place} can't be opened: its key is missing, or it was altered", err=True)
    raise SystemExit(1 if done.unreadable else 0)
