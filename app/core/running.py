"""The commands that run the system: up, web, live, worker, clock, mail. Each loads only what it needs."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import TYPE_CHECKING

import click

from app.cli import main, oncall, plainly

if TYPE_CHECKING:
    from flask import Flask


@oncall.command()
@click.option("--demo", is_flag=True, help="Fill an empty system with an example organisation first.")
def up(demo: bool) -> None:
    """Run everything on this machine: web, worker, clock, and Redis if REDIS_URL is unset."""
    config = _together()
    from app import ROOT
    from app.core import prefork, tally
    from app.core import up as supervisor

    lock = supervisor.claim(config)
    tally.begin_anew()
    prefork.preload(ROOT)
    if status := prefork.apart(lambda: plainly(lambda: _prepare(demo))):
        sys.exit(status)
    supervisor.run(config, ROOT, lock, main=main)


def _prepare(demo: bool) -> None:
    """What must be so before the parts start: the tables, the keys, the first administrator."""
    from app import create_app
    from app.core.db import transaction
    from app.core.jobs import function
    from app.core.schema import migrate

    app = create_app(doors=False)
    _await_database(app)
    with app.app_context():
        migrate()
        if demo:
            function("app.config.demo.fill")()
        click.echo(f"OnCall runs at {app.config['BASE_URL']}")
        click.echo(f"  database  {_shown(app.config['DATABASE_URL'])}")
        click.echo(f"  redis     {_redis(app.config)}")
        function("app.core.rotation.require_keys")()
        with transaction():
            first = function("app.identity.service.first_start")()
        if first:
            click.echo(f"\n  {first}\n")


def _await_database(app: Flask) -> None:
    """Return once PostgreSQL can be written to; meanwhile say what is missing, and end with whoever started us."""
    from app.core.worker import begin

    parent, shown = os.getppid(), _shown(app.config["DATABASE_URL"])

    def pause(seconds: float) -> None:
        time.sleep(seconds)
        if os.getppid() != parent:
            sys.exit(1)
    begin(app, ["app.core.schema.require_reach"], pause=pause, tell=lambda reason: click.echo(
        f"OnCall waits for the database {shown} and starts as soon as it is there: {reason}"))


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
    config = _together()
    from app.core import serve

    serve.run(config, port=port)


@oncall.command()
@click.option("--port", type=int, help="Instead of PORT.")
def live(port: int | None) -> None:
    """Serve only the sockets of live pages, thousands a process; send /live/ here."""
    from gevent import monkey

    monkey.patch_all()
    os.environ.setdefault("LIVE_MAX_SOCKETS", "8000")  # here a socket costs no thread
    config = _together()
    from app.core import serve

    serve.run(config, sockets_only=True, port=port)


def _together() -> dict[str, str]:
    """The settings, after which all that counts counts together with the other processes, and warnings go into the log."""
    from app.core import settings, tally

    logging.captureWarnings(True)
    return tally.share(settings.load())


@oncall.command()
def worker() -> None:
    """Run background jobs; any number of these may run."""
    _together()
    from app import create_app, timetable
    from app.core import life
    from app.core.worker import run_worker

    app = create_app(doors=False)
    life.show(app, "worker")
    run_worker(app, timetable.STARTUP)


@oncall.command()
def clock() -> None:
    """Run what time makes due; any number of these may run."""
    _together()
    from app import create_app, timetable
    from app.core import life
    from app.core.periodic import run_clock

    app = create_app(doors=False)
    life.show(app, "clock")
    run_clock(app, timetable.PERIODIC, timetable.STARTUP)


@oncall.command()
def mail() -> None:
    """Take mail in as alerts (MAIL_IN_PORT); any number of these may run."""
    _together()
    from app import create_app, wiring
    from app.core import life
    from app.core.jobs import function
    from app.core.rotation import require_keys

    app = create_app(doors=False)
    with app.app_context():
        require_keys()
    life.show(app, "mail")
    function(wiring.MAIL)(app)
