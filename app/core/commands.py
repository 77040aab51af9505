"""The commands that run the system: up, web, live, worker, clock, migrate, plugins, vapid."""

from __future__ import annotations

from typing import Literal

import click
from flask import current_app

from app.cli import oncall, show, with_app


@oncall.command()
@click.option("--demo", is_flag=True, help="Fill an empty system with an example organisation first.")
def up(demo: bool) -> None:
    """Run everything on this machine: web, worker, clock, and Redis if REDIS_URL is unset."""
    from app import create_app
    from app.core import up as supervisor
    from app.core.db import transaction
    from app.core.jobs import function

    app = create_app()
    with app.app_context():
        from app.core.schema import migrate

        migrate()
        if demo:
            function("app.config.demo.fill")()
        click.echo(f"OnCall runs at {app.config['BASE_URL']}")
        click.echo(f"  database  {_shown(app.config['DATABASE_URL'])}")
        click.echo(f"  redis     {_redis(app.config)}")
        with transaction():
            first = function("app.identity.service.first_start")()
        if first:
            click.echo(f"\n  {first}\n")
    supervisor.run(app.config, app.config["ROOT"])


def _shown(url: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)


def _redis(config: dict[str, str]) -> str:
    from app.core.redis import embedded_program

    if not config["REDIS_URL"]:
        return f"embedded, {embedded_program()[1]}"
    return config["REDIS_URL"].rpartition("@")[2]


@oncall.command()
@click.option("--port", type=int, help="Instead of PORT.")
def web(port: int | None) -> None:
    """Serve pages, API and ingest."""
    from app.core import serve, settings

    serve.run(settings.load(), port=port)


@oncall.command()
@click.option("--port", type=int, help="Instead of PORT.")
def live(port: int | None) -> None:
    """Serve only the sockets of live pages, thousands a process; send /live/ here."""
    from gevent import monkey

    monkey.patch_all()
    from app.core import serve, settings

    serve.run(settings.load(), sockets_only=True, port=port)


@oncall.command()
def worker() -> None:
    """Run background jobs; any number of these may run."""
    from app import create_app, wiring
    from app.core.worker import run_worker

    run_worker(create_app(), wiring.STARTUP)


@oncall.command()
def clock() -> None:
    """Run what time makes due; any number of these may run."""
    from app import create_app, wiring
    from app.core.periodic import run_clock

    run_clock(create_app(), wiring.PERIODIC, wiring.STARTUP)


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
@click.option("--settings", "with_settings", is_flag=True, help="List every setting with its value, origin and help.")
@with_app
def doctor(as_json: bool, with_settings: bool) -> None:
    """Say what is wrong, in sentences, and what to do about it."""
    from app.core.health import diagnose

    found = diagnose()
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
