"""The commands about the system: migrate, doctor, plugins, vapid."""

from __future__ import annotations

from typing import Literal

import click
from flask import current_app

from app.cli import oncall, show, with_app


@oncall.command()
@click.option("--check", is_flag=True, help="Only say whether migrations are pending; exit 1 if so.")
@with_app
def migrate(check: bool) -> None:
    """Bring the database up to date."""
    from app.core import schema

    if check:
        pending = schema.present() != schema.head()
        click.echo("migrations are pending" if pending else "the database is up to date")
        raise SystemExit(1 if pending else 0)
    click.echo("migrated" if schema.migrate() else "the database is up to date")


@oncall.command()
@click.option("--json", "as_json", is_flag=True)
@with_app
def vapid(as_json: bool) -> None:
    """Print the public key that browsers subscribe with."""
    key = current_app.config["VAPID_PUBLIC_KEY"]
    show({"public_key": key}) if as_json else click.echo(key)


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
@click.option("--kind", type=click.Choice(["integration", "channel"]), default="integration", show_default=True)
@with_app
def new_plugin(slug: str, kind: Literal["integration", "channel"]) -> None:
    """Write a plugin folder that passes its contract tests."""
    from app.core.plugins_new import scaffold

    for path in scaffold(slug, kind, current_app.config["ROOT"]):
        click.echo(path)


@oncall.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--verify-log", is_flag=True, help="Walk the chain over the event log: was a row changed or removed?")
@click.option("--settings", "with_settings", is_flag=True, help="List every setting with its value, origin and help.")
@with_app
def doctor(as_json: bool, verify_log: bool, with_settings: bool) -> None:
    """Say what is wrong, in sentences, and what to do about it."""
    from app.core.health import diagnose

    found = diagnose()
    if verify_log:
        from app.core.chain import verify

        verdict = verify()
        found.figures["log_entries_verified"] = verdict.checked
        found.problems += [f"The log was tampered with: {text}." for text in verdict.breaks]
    if as_json:
        show({**found.figures, "ok": found.ok, "problems": found.problems})
    else:
        for name, value in found.figures.items():
            click.echo(f"{name:<20} {value}")
        for problem in found.problems:
            click.echo(f"\n! {problem}")
        click.echo("\nEverything is fine." if found.ok else "")
    if with_settings and not as_json:
        _list_settings()
    raise SystemExit(0 if found.ok else 1)


def _list_settings() -> None:
    from app.core.settings import SETTINGS, origin

    for setting in SETTINGS:
        value = "***" if setting.secret and current_app.config[setting.name] else current_app.config[setting.name]
        click.echo(f"{setting.name:<18} {value!s:<40} ({origin(setting.name)}) {setting.help}")
