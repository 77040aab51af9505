"""One started system as its users know it: the command `oncall`, the senders' address, the API, and a mail server."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import redis

from tests.fakes import Mail, MailServer
from tests.journeys.processes import Process, descendants
from tests.servers import eventually, free_port

ROOT = Path(__file__).resolve().parents[2]
ONCALL = str(Path(sys.executable).with_name("oncall"))
START_SECONDS = 120
ANA, BOB = "ana@example.com", "bob@example.com"
TOKEN = "journeys-fixed-token-0123456789"


def document(services: int = 42) -> dict[str, Any]:
    """Ana is on duty, Bob is asked 5 seconds later; service-0 … belong to their team Payments."""
    people = [{"email": email, "name": name, "role": role, "contact_methods": [
        {"name": "mail", "channel": "email", "address": email, "verified": True}]}
        for email, name, role in ((ANA, "Ana", "admin"), (BOB, "Bob", "member"))]
    layer = {"name": "base", "starts": "2026-01-05T09:00", "rotation": {"every": 1, "unit": "week"},
             "participants": [[ANA]]}
    return {
        "version": 1, "users": people,
        "teams": [{"key": "payments", "name": "Payments", "policy": "payments", "members": [
            {"user": ANA, "role": "manager"}, {"user": BOB, "role": "responder"}]}],
        "schedules": [{"key": "primary", "name": "Primary", "team": "payments", "time_zone": "UTC", "layers": [layer]}],
        "escalation_policies": [{"key": "payments", "name": "Payments", "team": "payments", "repeat": 0, "levels": [
            {"timeout": "5s", "targets": [{"schedule": "primary"}]}, {"timeout": "10s", "targets": [{"user": BOB}]}]}],
        "services": [{"key": f"service-{at}", "name": f"Service {at}", "team": "payments"} for at in range(services)],
        "integrations": [{"key": "prometheus", "plugin": "alertmanager", "team": "payments", "token": TOKEN}],
    }


def firing(service: str, title: str, *, status: str = "firing", text: str = "") -> dict[str, Any]:
    """What an Alertmanager posts about one problem: `title` at `service`."""
    labels = {"alertname": title, "severity": "critical", "service": service}
    ended = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) if status == "resolved" else "0001-01-01T00:00:00Z"
    alert = {"status": status, "labels": labels, "annotations": {"summary": title, "description": text},
             "startsAt": "2026-01-05T09:00:00Z", "endsAt": ended, "fingerprint": f"{service}{title}"}
    return {"version": "4", "groupKey": f"{{}}:{{service={service!r}}}", "status": status, "receiver": "oncall",
            "groupLabels": {"service": service}, "commonLabels": labels, "commonAnnotations": {},
            "externalURL": "http://alerts.example.com", "truncatedAlerts": 0, "alerts": [alert]}


class System:
    """`oncall up` in a folder of its own, or in `folder`, with Ana and Bob; `database` is empty for SQLite."""

    def __init__(self, database: str = "", folder: Path | None = None) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="oncall journey "))  # a space, as people's folders have
        self.temporary = tempfile.mkdtemp(prefix="oncall-journey-")
        self.port, self.mail_port = free_port(), free_port()
        self.mail = MailServer()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
            "ONCALL_INSTANCE": str(self.folder), "TMPDIR": self.temporary, "PORT": str(self.port),
            "SMTP_URL": self.mail.url, "OUTBOUND_ALLOW": "127.0.0.0/8", "DATABASE_URL": database,
            "LOG_LEVEL": "WARNING"}
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=self.url, timeout=10)

    def __enter__(self) -> System:
        self.start()
        try:
            self.oncall("apply", "-", given=json.dumps(document()))
            made = json.loads(self.oncall("token", "create", "--user", ANA, "--json"))
        except BaseException:
            self.__exit__()
            raise
        self.http.headers["Authorization"] = f"Bearer {made['token']}"
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.http.close()
        self.mail.stop()
        for folder in (self.folder, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)

    # The command

    def oncall(self, *words: str, given: str = "") -> str:
        """Run a command beside the system and return what it printed."""
        done = subprocess.run([ONCALL, *words], env=self.environment, cwd=ROOT, input=given, text=True,
                              capture_output=True, timeout=60)
        assert done.returncode == 0, f"oncall {' '.join(words)}: {done.stderr}"
        return done.stdout

    def start(self) -> float:
        """`oncall up`; the seconds until it is ready."""
        began = time.perf_counter()
        self.begin()
        try:
            eventually(lambda: self.process.poll() is not None or self.is_ready(), within=START_SECONDS, every=0.05,
                       what="a system that is ready")
            assert self.process.poll() is None, "`oncall up` ended"
        except AssertionError as late:
            self.stop()
            raise AssertionError(f"{late}\n{self.said()}") from None
        return time.perf_counter() - began

    def begin(self) -> None:
        """`oncall up`, whatever comes of it."""
        self.process = self._run("up", self.environment)

    def beside(self, part: str) -> subprocess.Popen[bytes]:
        """One more part of it, the receiver of mail for one, which listens on `mail_port`."""
        return self._run(part, self.environment | {"MAIL_IN_PORT": str(self.mail_port), "MAIL_IN_DOMAIN": "oncall.example.com"})

    def _run(self, command: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen([ONCALL, command], env=environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
                                    start_new_session=True)

    def stop(self) -> float:
        """Ctrl-C; the seconds until nothing runs any more. What is left after 20 is killed."""
        assert self.process is not None
        began, parts = time.perf_counter(), self.parts()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        took = time.perf_counter() - began
        for part in parts:
            if part in descendants(part.parent):
                part.kill()
        return took

    def said(self) -> str:
        """The last lines of its log."""
        return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-40:])

    def is_ready(self) -> bool:
        """Whether it says of itself that all is well."""
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    # Its parts

    def parts(self, role: str = "") -> list[Process]:
        """The running processes, of one part or all."""
        assert self.process is not None
        return [part for part in descendants(self.process.pid) if not role or part.is_a(role)]

    @cached_property
    def redis(self) -> str:
        """The address of the Redis it leans on."""
        return str(json.loads(self.oncall("doctor", "--json"))["redis"])

    def flush_redis(self) -> None:
        """Empty its Redis."""
        client = redis.Redis.from_url(self.redis)
        eventually(client.ping, what="its Redis answers")
        client.flushall()
        client.close()

    # Senders

    def post(self, body: Any, *, key: str = "", raw: bytes = b"") -> httpx.Response:
        """One delivery to the integration of the document."""
        headers = {"Idempotency-Key": key} if key else {}
        content = raw or json.dumps(body).encode()
        return self.http.post(f"/in/{TOKEN}", content=content, headers=headers | {"Content-Type": "application/json"})

    def deliver(self, body: Any) -> float:
        """Post until it is taken, as senders do; when it was, on the wall clock."""
        key = secrets.token_hex(8)

        def taken() -> float:
            try:
                return time.time() if self.post(body, key=key).status_code in (200, 202) else 0.0
            except httpx.TransportError:
                return 0.0
        return float(eventually(taken, within=30, every=0.1, what="an accepted delivery"))

    # What people see

    def incidents(self, service: str) -> list[dict[str, Any]]:
        """The incidents of a service, newest first."""
        return list(self.get(f"/incidents?service={service}&limit=200")["items"])

    def incident(self, service: str) -> dict[str, Any]:
        """The newest incident of a service, as soon as there is one."""
        return dict(eventually(lambda: self.incidents(service), what=f"an incident of {service}")[0])

    def get(self, path: str) -> Any:
        """A GET of the API that must succeed."""
        answer = self.http.get(f"/api/v1{path}")
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def act(self, incident: dict[str, Any], verb: str, **values: Any) -> httpx.Response:
        """Acknowledge, resolve … through the API as Ana."""
        return self.http.post(f"/api/v1/incidents/{incident['id']}/{verb}", json=values)

    def kinds(self, incident: dict[str, Any]) -> list[str]:
        """The kinds of an incident's timeline, oldest first."""
        return [entry["kind"] for entry in self.get(f"/incidents/{incident['id']}/timeline")]

    def mails(self, person: str, title: str) -> list[Mail]:
        """The mails to a person whose subject speaks of the problem."""
        return [mail for mail in self.mail.to(person) if title in mail.subject]

    def mailed(self, person: str, title: str, *, within: float = 10.0) -> Mail:
        """The first such mail, as soon as it is there."""
        found: list[Mail] = eventually(lambda: self.mails(person, title), within=within,
                                       what=f"a mail to {person} about {title!r}")
        return found[0]

    def silent_until(self, at: float, person: str, title: str) -> None:
        """Nothing about the problem reaches the person before `at` on the wall clock."""
        self.silent_for(at - time.time(), person, title)

    def silent_for(self, seconds: float, person: str, title: str) -> None:
        """Nothing about the problem reaches the person for so long; notices of what was done are no pages."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert not self.mails(person, title), [mail.subject for mail in self.mails(person, title)]
            time.sleep(0.05)

    @staticmethod
    def pause(seconds: float) -> None:
        """Let the system get on with it, to disturb it at another moment."""
        time.sleep(seconds)
