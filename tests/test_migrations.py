"""The migrations make the tables that the models describe, and can be taken back, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import event, func, inspect, select, text
from werkzeug.datastructures import MultiDict

from app import create_app
from app.core import clock
from app.core.access import OPERATOR
from app.core.db import Base, db, session, transaction
from app.core.schema import attach, head, migrate, present
from app.incidents import alert_queries, searching
from app.incidents.models import Alert
from app.ingest import door
from app.ingest.models import Integration
from tests import build, source
from tests.pager import pager
from tests.test_architecture import nothing

pytestmark = pytest.mark.both_databases
FOLDER = str(source.ROOT / "migrations")


@pytest.fixture
def empty_database(database: str, database_url: Callable[[str, str], str], environment: Callable[..., dict[str, str]]):
    """The context of an application whose database holds nothing at all."""
    @contextmanager
    def opened():
        with create_app(environment(DATABASE_URL=database_url(database, "migrations"))).app_context():
            attach()
            yield
            db.session.remove()
            db.engine.dispose()
    with opened():
        yield


def tables() -> set[str]:
    """The names of the tables that exist."""
    return {name for name in inspect(db.engine).get_table_names() if name != "alembic_version" and not name.startswith("search_")}


def test_up_down_and_up_again_end_with_every_table(empty_database):
    upgrade(FOLDER)
    assert tables() == set(Base.metadata.tables)
    downgrade(FOLDER, revision="base")
    assert tables() == set()
    upgrade(FOLDER)
    assert tables() == set(Base.metadata.tables)


def test_a_database_with_rows_goes_down_and_up_and_keeps_them(empty_database, database):
    """HRD-35: also tables that others refer to, which SQLite makes anew."""
    upgrade(FOLDER)
    house = pager()
    incident = build.incident("Disk is full", team=house.team)
    integration = session.query(Integration).one()
    build.alert(incident, integration=integration)
    with transaction():
        door.put(integration, {"title": "Disk is full"}, at=clock.now())
    before = filled()
    session.remove()
    downgrade(FOLDER, revision="0030")
    upgrade(FOLDER)
    assert filled() == before and {"integrations", "deliveries", "alerts", "escalation_policies"} <= set(before)
    if database == "sqlite":
        assert session.execute(text("PRAGMA foreign_key_check")).all() == []


def filled() -> dict[str, int]:
    """How many rows each table has, where it has any."""
    counts = {name: session.scalar(select(func.count()).select_from(table)) for name, table in Base.metadata.tables.items()}
    return {name: count for name, count in counts.items() if count}


def test_the_migrated_tables_are_those_of_the_models(empty_database):
    upgrade(FOLDER)
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        changes = [change for change in compare_metadata(context, Base.metadata) if not _is_search(change)]
        nothing(f"not in a migration: {change}" for change in changes)


def test_every_index_of_the_models_is_there_also_those_on_expressions(empty_database):
    """What SQLite can't tell of an index is asked of its list: a table made anew loses what was not read back."""
    upgrade(FOLDER)
    names = {"sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'", "postgresql": "SELECT indexname FROM pg_indexes"}
    found = set(db.session.scalars(text(names[db.engine.dialect.name])))
    nothing(f"no migration makes the index {one.name}" for table in Base.metadata.tables.values() for one in table.indexes
            if one.name not in found)
    nothing(_inbox_that_is_searched_for())
    nothing(_texts_that_nobody_keeps_true())


def _inbox_that_is_searched_for() -> list[str]:
    """Of two indexes that fit alike SQLite takes the one that was made last: a table made anew can turn that round."""
    plan = "EXPLAIN QUERY PLAN SELECT id FROM deliveries WHERE integration_id = 1 AND state = 'received' ORDER BY id LIMIT 20"
    if db.engine.dialect.name != "sqlite" or "ix_deliveries_unprocessed" in str(db.session.execute(text(plan)).all()):
        return []
    return ["SQLite looks through all deliveries of an integration for those that wait: make ix_deliveries_unprocessed last"]


def _texts_that_nobody_keeps_true() -> list[str]:
    """The triggers of a table go with it: one made anew would never be found by its texts again."""
    made = set(db.session.scalars(text("SELECT name FROM sqlite_master"))) if db.engine.dialect.name == "sqlite" else set()
    wanted = {f"search_{table}_{what}" for table in ("incidents", "alerts", "notes") for what in ("come", "gone", "changed")}
    return [f"no migration makes the trigger {name} anew" for name in sorted(wanted - made)] if "search_alerts" in made else []


def _is_search(change: object) -> bool:
    """An index that only one of the databases can have, and not everywhere alike (on SQLite it is a table): no model names it."""
    return isinstance(change, tuple) and change[0] in ("remove_index", "remove_table") and str(change[1].name).startswith("search_")


def test_one_index_serves_all_that_is_asked_of_alerts_together(empty_database, database):
    """QUAL-05: on PostgreSQL the question is written as the index is, so that no alert is read which fits one half only."""
    upgrade(FOLDER)
    assert searching.doctor() == {}
    asked = MultiDict({"q": "disk", "label": "env=test", "severity": "low", "status": "resolved", "paged": "no"})
    query, plans = alert_queries.alerts(OPERATOR, asked).with_only_columns(Alert.id), []

    def explain(_connection, cursor, statement, parameters, *_):
        plans.append([line for (line,) in cursor.connection.cursor().execute(f"EXPLAIN {statement}", parameters)])

    if database == "postgresql":
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        event.listen(db.engine, "before_cursor_execute", explain)
        db.session.execute(query)
        event.remove(db.engine, "before_cursor_execute", explain)
        assert [sum(word in line for line in plans[0]) for word in ("Index Cond", "on search_alerts", "Filter")] == [1, 1, 0], plans


def test_where_postgresql_may_not_look_into_texts_the_doctor_says_so(empty_database, database):
    upgrade(FOLDER)
    if database == "postgresql":
        db.session.execute(text("DROP EXTENSION pg_trgm CASCADE"))
        assert "operate.md" in searching.doctor()["alert_search"]


def test_migrating_twice_does_nothing_the_second_time(empty_database):
    assert migrate() is True
    assert present() == head() != ""
    assert migrate() is False


def test_there_is_one_newest_migration():
    assert len(ScriptDirectory(FOLDER).get_heads()) == 1
