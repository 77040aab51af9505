"""The doctor names what has failed and what may hurt later, each with what to do about it."""

from __future__ import annotations

import json
import shutil
import socket
from contextvars import Context
from datetime import timedelta

import pytest
import time_machine
from click.testing import CliRunner
from sqlalchemy import text

from app.core import clock, doctor, reach, setting_checks, skew
from app.core.access import SYSTEM
from app.core.db import session, transaction
from app.core.events import record
from app.core.pulse import beat
from app.core.rotation import ROTATED
from tests import build


@pytest.fixture(autouse=True)
def _as_if_it_ran(monkeypatch):
    """Tests make their tables without migrations, have no worker, and run on slow machines."""
    monkeypatch.setattr("app.core.health.revision.is_newest", lambda: True)
    monkeypatch.setattr("app.core.health.life.lives", lambda *_: True)
    monkeypatch.setattr("app.core.health.PATIENCE", 30.0)


def found(word: str) -> tuple[list[str], list[str]]:
    """The failures and the warnings that speak of it."""
    said = doctor.diagnose()
    return [one for one in said.problems if word in one], [one for one in said.warnings if word in one]


@pytest.mark.parametrize(("name", "value", "said"), [
    ("PORT", "http", "a whole number from 0 to 65535"), ("WORKER_PROCESSES", "0", "from 1 to 10000"),
    ("DELIVERY_BODY_DAYS", "3", "from 7 to 730"), ("BASE_URL", "oncall.example.com", "starts with https:// or http://"),
    ("SMTP_URL", "mail.example.com:25", "starts with smtp://"), ("OUTBOUND_ALLOW", "10.0.0.0/40", "networks such as"),
    ("REQUIRE_SECOND_FACTOR", "admin", "one of off, admins, everyone"), ("LOG_LEVEL", "LOUD", "one of DEBUG, INFO")])
def test_a_value_that_can_not_be_used_is_named_with_what_it_may_be(name, value, said):
    """HRD-33: out of range, or of another kind."""
    fault, = setting_checks.unusable({name: value})
    assert fault.startswith(f"{name} has to be") and said in fault 
    assert not [one for one in setting_checks.unusable({"SMTP_URL": "mail://user:s3cret@mail.example.com"}) if "s3cret" in one]


def test_the_values_of_a_fresh_installation_and_of_large_ones_are_fine(app):
    """HRD-33: no finding of our own making."""
    several = {"DATABASE_URL": "postgresql://a:b@one:5432,two:5432/oncall", "SMTP_URL": "smtps://u:p@mail.example.com",
               "REDIS_URL": "redis+sentinel://a:26379,b:26379/main/0", "OUTBOUND_ALLOW": "10.0.0.0/8, fd00::/8"}
    assert setting_checks.unusable({**app.config, **several}) == []


def test_a_name_that_nobody_reads_is_a_warning_with_the_nearest_one():
    """HRD-33: any in the file; in the environment what looks like ours."""
    said = setting_checks.unknown(["SMTP_URL", "BASE_URL", "PORT"], {"SMPT_URL": "", "ONCALL_X": "", "HOME": "", "ONCALL_INSTANCE": ""},
                                  {"BASE_URL": "", "COLOUR": ""})
    assert said == ["COLOUR in config.toml is no setting.", "ONCALL_X in the environment is no setting.",
                    "SMPT_URL in the environment is no setting; did you mean SMTP_URL?"]


def test_a_mail_server_or_provider_that_does_not_answer_is_a_failure_and_one_that_does_is_not(app, http_sink, smtp, monkeypatch):
    """HRD-33: whatever a provider answers it is there; one that takes the call and says nothing is not."""
    monkeypatch.setattr(reach, "SECONDS", 1.0)
    app.config.update(TELEGRAM_BOT_TOKEN="token", TELEGRAM_API_URL=http_sink.url)
    assert found("reached") == ([], []) and found("answer") == ([], []) and http_sink.calls
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        app.config.update(SMTP_URL=f"smtp://user:secret@127.0.0.1:{port}", TELEGRAM_API_URL=f"http://127.0.0.1:{port}")
        said = doctor.diagnose().problems
    assert sum("can't be reached" in one for one in said) == sum("mail server 127.0.0.1" in one for one in said) == 1
    assert not [one for one in said if "secret" in one]


def test_people_on_duty_whom_nothing_reaches_and_policies_that_page_nobody_are_warnings(app, ana):
    """HRD-33."""
    dora = build.user("dora", reachable=False)
    team = build.team("payments", manager=ana, responders=[dora])
    build.policy("payments", (60, [build.schedule("primary", team=team, turns=[[dora]])]), team=team)
    build.policy("unused", (60, []), team=team, default=False)
    build.service("checkout", team=team, policy=build.policy("empty", (60, []), team=team, default=False))
    (failed, said), (_, policies) = found("Dora is on duty"), found("pages nobody")
    assert failed == [] and len(said) == 1 and "no contact method" in said[0] and "They prove" in said[0]
    assert [one.partition(":")[0] for one in policies] == ["The policy Empty pages nobody"]


@pytest.mark.both_databases
def test_the_end_of_the_log_is_looked_at_without_being_asked(app, tick):
    """HRD-33, IDN-40: the last links of the chain."""
    with transaction():
        for number in range(3):
            record(ROTATED, "secrets", by=SYSTEM, number=number, key="k")
    tick("app.core.chain.seal")
    assert found("tampered") == ([], [])
    with transaction():
        session.execute(text("UPDATE events SET actor_name = 'Somebody else' WHERE id = 2"))
    failed, _ = found("tampered")
    assert len(failed) == 1 and "Event 2" in failed[0]


def test_a_backup_that_is_old_or_was_never_made_is_missed(app):
    """HRD-33: not on the first day, and not where others make it."""
    with transaction():
        record(ROTATED, "secrets", by=SYSTEM, number=1, key="k")
    assert found("backup") == ([], [])
    with time_machine.travel(clock.now() + timedelta(days=8), tick=False):
        assert "No backup was ever made" in found("backup")[1][0]
        with transaction():
            beat("backup", rows=1)
        assert found("backup") == ([], []) and doctor.diagnose().figures["last_backup"] == clock.rfc3339(clock.now())
    with time_machine.travel(clock.now() + timedelta(days=20), tick=False):
        assert "made 12 days ago" in found("backup")[1][0] or "made 11 days ago" in found("backup")[1][0]
        app.config["BACKUP_DAYS"] = "0"
        assert found("backup") == ([], [])


@pytest.mark.parametrize(("free", "failures", "warnings"), [(50, 0, 0), (9, 0, 1), (1, 1, 0)])
def test_a_disk_that_fills_up_is_a_warning_and_a_full_one_a_failure(app, monkeypatch, free, failures, warnings):
    """HRD-33: less than a tenth."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100 << 30, (100 - free) << 30, free << 30))
    failed, warned = found("The disk")
    assert (len(failed), len(warned)) == (failures, warnings)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("ahead", "said"), [(4, []), (60, ["60 s ahead of"]), (-60, ["60 s behind"])])
def test_a_clock_that_is_not_the_databases_is_a_failure(app, ahead, said):
    """HRD-33, QUAL-14: also of another machine, as that one says it."""
    with transaction():
        beat(f"{skew.MACHINE}elsewhere", skew_s=-7.0)
    with time_machine.travel(clock.now() + timedelta(seconds=ahead), tick=True):
        failed, _ = found("The clock of")
    mine = [one for one in failed if "elsewhere" not in one]
    assert [word in one for one, word in zip(mine, said, strict=True)] == [True] * len(said)
    assert [one for one in failed if one.startswith("The clock of elsewhere is 7 s behind")]


def test_only_a_failure_ends_with_1_and_machines_get_both_kinds(app, monkeypatch):
    """HRD-33: and what the contract names."""
    monkeypatch.setattr("app.create_app", lambda **_: app)

    def run(*words):
        from app.cli import oncall

        session.rollback()
        return Context().run(CliRunner().invoke, oncall, ["doctor", *words])
    with transaction():
        beat("clock")
    build.service("checkout", team=build.team("payments"), policy=build.policy("empty", (60, [])))
    answer = run("--json")
    said = json.loads(answer.output)
    assert (answer.exit_code, said["ok"], said["problems"]) == (0, True, []) and len(said["warnings"]) == 1
    assert said.keys() >= {"database", "redis", "ok", "problems", "clock_age_s", "inbox", "undispatched", "queue"}
    app.config["SMTP_URL"] = ""
    failed = run()
    assert failed.exit_code == 1 and "\n! SMTP_URL is not set" in failed.output and "\nnote: The policy" in failed.output
