"""The OnCall Platform. `create_app()` is a list of named steps; the map of the house is `wiring.py`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.core.plugins import Registry

ROOT = Path(__file__).resolve().parent.parent


def create_app(environ: Mapping[str, str] | None = None, *, doors: bool = True) -> Flask:
    """The application with the settings of `environ` (the process environment when left out). Without `doors` it answers no
    requests: a worker or clock starts sooner and is smaller by all that only pages need.
    """
    from app.core import alarm, db, extensions, former, hold, http, jobs, log, pages, plugin_switches, secrets, settings, web
    from app.core import plugins as plugin_registry
    from app.core import redis as redis_clients
    from app.core.fields import Setting

    registry = plugin_registry.load(ROOT)
    app = web.Application("app", root_path=str(ROOT), template_folder="templates", static_folder="static",
                          instance_path=str(ROOT / "instance"))
    extra = [settings.Setting(name, setting.default, setting.help, setting.secret)
             for name, setting in registry.settings if isinstance(setting, Setting)]
    app.config.update(settings.load(environ, extra=extra), ROOT=ROOT)
    app.extensions.update(plugins=registry, again=partial(create_app, doors=False), former=former.remembered(app))
    log.init_log(app.config["LOG_LEVEL"])
    secrets.configure(app.config["ENCRYPTION_KEYS"], again=settings.keys_again(app.config, environ))
    http.configure(app.config["OUTBOUND_ALLOW"])
    app.extensions.update(redis=redis_clients.connect(app.config), redis_pulse=redis_clients.Pulse(app.config),
                          redis_blocking=redis_clients.connect(app.config, patience=None))

    from app import belongings, navigation, personal, sealed, timetable, wiring

    for module in wiring.MODELS:
        import_module(module)
    db.init_db(app)
    registry.watch = plugin_switches.remembered(app)
    jobs.init_jobs(app, wiring.SUBSCRIPTIONS)
    hold.init_hold(app, (row.path for row in timetable.PERIODIC if row.outgoing))
    app.extensions.update(timetable=timetable, settings=settings.in_effect(environ, extra=extra), panels=wiring.PANELS,
                          owned=belongings.OWNED, sealed=sealed.SEALED, personal=personal.PERSONAL, answers=wiring.ANSWERS,
                          orders=wiring.ORDERS, estates=belongings.ESTATES, hushed=wiring.HUSHED)
    extensions.init_extensions(app)
    web.init_web(app)
    pages.install(app, navigation.SHELL)
    alarm.init_alarm(app)
    if doors:
        _open_doors(app, registry)
    return app


def _open_doors(app: Flask, registry: Registry) -> None:
    """Every address that answers: senders', people's, machines', plugins' and live pages'."""
    from app import wiring
    from app.core import extensions, live
    from app.core.jobs import function

    app.extensions.update(pinged=function(wiring.PINGED), keep_looking=wiring.WATCH)
    app.register_blueprint(import_module("app.ingest.doors").vendor_blueprint(registry))
    for module, prefix in wiring.BLUEPRINTS:
        app.register_blueprint(import_module(module).blueprint, url_prefix=prefix or None)
    for slug, blueprint in registry.blueprints.items():
        app.register_blueprint(blueprint, url_prefix=f"/plugins/{slug}")
    feeds = [feed for module in wiring.FEEDS for feed in import_module(module).FEEDS]
    live.mount(app, extensions.sock, feeds, rights=function(wiring.RIGHTS))
    app.wsgi_app = function(wiring.FRONT)(app)  # type: ignore[method-assign]
