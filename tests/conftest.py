"""What every test may ask for: an application on either database, people, local servers, jobs run by hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import former, http, jobs, limits, secrets
from app.core.db import db, session
from app.identity.models import Team, User
from tests import build, order
from tests.application import Client, as_a_process, drain, empty, patient
from tests.fakes import MailServer, PushService, WebServer
from tests.home import guard, in_memory
from tests.servers import Postgres, Redis

MARKS = {
    "both_databases": "runs on SQLite and on PostgreSQL",
    "race": "begins several things at a barrier, so many `rounds` of them; `make soak` repeats it until there were 200",
    "soak": "runs for a long time; only in `make soak`",
    "browser": "needs Chromium",
    "outgoing": "may look up names and connect beyond this machine's loopback",
}
KEYS = {"SECRET_KEY": "tests" * 8, "ENCRYPTION_KEYS": "dGVzdHMtdGVzdHMtdGVzdHMtdGVzdHMtdGVzdHMtMDA="}


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks, and have the tests put in order."""
    for name, meaning in MARKS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    config.pluginmanager.register(order)
    in_memory(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test marked `both_databases` runs twice, one marked `race` as often as RACES says."""
    race, wanted = metafunc.definition.get_closest_marker("race"), int(os.environ.get("RACES", "0"))
    if race and wanted:
        metafunc.fixturenames.append("_again")
        metafunc.parametrize("_again", range(-(-wanted // race.kwargs.get("rounds", 1))))
    marked = any(mark.name == "both_databases" for mark in metafunc.definition.iter_markers())
    if marked and "database" in metafunc.fixturenames:
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def _again() -> None:
    """Which repetition of a race it is."""


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """This process's Redis."""
    server = Redis()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """This process's PostgreSQL."""
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _mail_server() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.stop()


@pytest.fixture
def smtp(_mail_server: MailServer) -> MailServer:
    """The mail server that the application sends through."""
    _mail_server.forget()
    return _mail_server


@pytest.fixture
def http_sink() -> Iterator[WebServer]:
    """A web server that records what it is sent."""
    server = WebServer()
    yield server
    server.stop()


@pytest.fixture
def push_sink() -> Iterator[PushService]:
    """A push service with one subscribed browser."""
    server = PushService()
    yield server
    server.stop()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """`sqlite`, or for tests marked `both_databases` each in turn."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory,
                 request: pytest.FixtureRequest) -> Callable[[str, str], str]:
    """A new, empty database of a kind: `database_url("postgresql", "name")` is its address."""
    def address(kind: str, name: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp(name) / 'oncall.db'}"
        return str(request.getfixturevalue("postgres").database(name))
    return address


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, redis_server: Redis,
                _mail_server: MailServer) -> Callable[..., dict[str, str]]:
    """The settings of a test application: `environment(DATABASE_URL=…)`."""
    common = {"REDIS_URL": redis_server.url, "SMTP_URL": _mail_server.url, "BASE_URL": "http://localhost",
              "OUTBOUND_ALLOW": "127.0.0.0/8", "LOG_LEVEL": "WARNING", **KEYS}
    return lambda **more: {"ONCALL_INSTANCE": str(tmp_path_factory.mktemp("instance")), **common, **more}


@pytest.fixture(scope="session")
def _apps(environment: Callable[..., dict[str, str]],
          database_url: Callable[[str, str], str]) -> Callable[[str], Flask]:
    limits.PATIENCE = 5.0  # on a busy machine a slow moment of Redis must not look like its absence
    made: dict[str, Flask] = {}

    def of(kind: str) -> Flask:
        if kind not in made:
            from app import create_app

            made[kind] = create_app(environment(DATABASE_URL=database_url(kind, "shared")))
            made[kind].config.update(TESTING=True, PROPAGATE_EXCEPTIONS=True)
            made[kind].test_client_class = Client
            with made[kind].app_context():
                patient(db.engine)
                db.create_all()
        return made[kind]
    return of


@pytest.fixture
def app(_apps: Callable[[str], Flask], database: str, redis_server: Redis, smtp: MailServer) -> Iterator[Flask]:
    """The application on empty tables and an empty Redis, its context open for the test itself."""
    found, config = _apps(database), dict(_apps(database).config)
    secrets.configure(found.config["ENCRYPTION_KEYS"])
    http.configure(found.config["OUTBOUND_ALLOW"])
    redis_server.client.flushall()
    found.extensions.update(redis_down_until=0.0, former=former.remembered(found))
    with found.app_context():
        yield found
        session.remove()
        empty()
    found.config.clear()
    found.config.update(config)


@pytest.fixture
def another_app(environment: Callable[..., dict[str, str]]) -> Iterator[Callable[..., Flask]]:
    """`another_app(REDIS_URL=…)`: an application beside the shared one. The limiter is one for a process and counts where
    the last application told it to; afterwards it counts for the shared one again."""
    before = dict(vars(limits.limiter))

    def make(**settings: str) -> Flask:
        from app import create_app

        return create_app(environment(**settings))
    yield make
    vars(limits.limiter).update(before)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is not signed in."""
    return app.test_client()


@pytest.fixture
def signed_in(app: Flask) -> Callable[[User], FlaskClient]:
    """`signed_in(ana)`: a browser in which Ana has signed in."""
    def browser(person: User) -> FlaskClient:
        opened = app.test_client()
        opened.get("/login")
        answer = opened.post("/login", data={"email": person.email, "password": build.PASSWORD})
        assert answer.status_code == 303, answer.text
        return opened
    return browser


@pytest.fixture
def token(app: Flask) -> Callable[..., dict[str, str]]:
    """`token(ana)`: the header with which a machine calls the API as Ana."""
    return lambda person, **more: {"Authorization": f"Bearer {build.token(person, **more)}"}


@pytest.fixture
def ana(app: Flask) -> User:
    """Ana manages the team Payments."""
    return build.user("ana")


@pytest.fixture
def bob(app: Flask) -> User:
    """Bob is her team mate, a responder."""
    return build.user("bob")


@pytest.fixture
def charlie(app: Flask) -> User:
    """Charlie is in no team of theirs."""
    return build.user("charlie")


@pytest.fixture
def olga(app: Flask) -> User:
    """Olga administers the system."""
    return build.user("olga", role="admin")


@pytest.fixture
def payments(ana: User, bob: User) -> Team:
    """The team of Ana and Bob."""
    return build.team("payments", manager=ana, responders=[bob])


@pytest.fixture
def run_jobs(app: Flask) -> Callable[[], None]:
    """`run_jobs()`: a worker does all that waits in the queues, and ends; a job that failed fails the test."""
    return lambda: as_a_process(app, drain)


@pytest.fixture
def tick(app: Flask) -> Callable[[str], Any]:
    """`tick("app.escalation.ticks.advance")`: the clock's turn."""
    return lambda path: as_a_process(app, lambda: jobs.function(path)())


@pytest.fixture(autouse=True)
def _stays_at_home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that looks up a name or connects beyond this machine's loopback."""
    strayed = [] if request.node.get_closest_marker("outgoing") else guard(monkeypatch)
    yield
    assert not strayed, f"this test reached out: {', '.join(strayed)}"
