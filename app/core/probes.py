"""What machines ask about the process itself: is it up, is it ready, how is it doing."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from time import perf_counter

from flask import Blueprint, Response, current_app, g, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST

from app.core import health, secrets
from app.core.access import access
from app.core.metrics import REQUESTS, Figure, text
from app.core.panels import panels

blueprint = Blueprint("probes", __name__)

FIGURES = {
    "clock_age_s": "Seconds since the clock last ticked", "undispatched": "Events that wait to be dispatched",
    "undispatched_age_s": "Age of the oldest of them", "inbox": "Deliveries that wait",
    "inbox_age_s": "Age of the oldest waiting delivery", "due_messages": "Messages that are due",
    "due_message_age_s": "How late the oldest due message is", "queue": "Jobs in the queues",
    "running_escalations": "Escalations that run", "failing_parts": "Parts of the system that stand still",
    "proof_age_s": "Seconds since the chain from clock to worker was proved",
    "deadman_age_s": "Seconds since the dead-man heartbeat last arrived",
    "self_test_s": "From the inbox to the hand-over, in the last self-test",
    "self_test_failed": "Whether the last self-test failed"}
# Whoever came by a proxy of this machine comes from elsewhere.
PROXIED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")


@blueprint.get("/healthz")
@access("public")
def healthz() -> Response:
    """The process lives; nothing else is asked."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
@access("public")
def readyz() -> tuple[Response, int]:
    """Database, Redis, migrations and clock are fine; else 503 naming which is not."""
    found = health.examine()
    shadow = {"shadow": found.figures["shadow"]} if found.figures.get("shadow") else {}
    return jsonify({"status": "ok" if found.ok else "not ready", "problems": found.problems, **shadow}), (
        200 if found.ok else 503)


@blueprint.get("/metrics")
@access("public")
def metrics() -> Response:
    """Prometheus text: from this machine, or with METRICS_TOKEN."""
    if not _may_read():
        return Response("METRICS_TOKEN is needed\n", 401, mimetype="text/plain")
    return Response(text(_figures()), content_type=CONTENT_TYPE_LATEST)


def _figures() -> Iterator[Figure]:
    """What is looked up now; while the database is away only what was counted is told."""
    found = health.examine()
    yield Figure("oncall_ready", "Whether /readyz answers 200", int(found.ok))
    for name, help_ in FIGURES.items():
        if found.figures.get(name) is not None:
            yield Figure(f"oncall_{name}", help_, float(found.figures[name]))
    for name, number in (found.figures.get("queues") or {}).items():
        yield Figure("oncall_queue_depth", "Jobs that wait in a queue", number, {"queue": name})
    if found.reached:
        yield from (one for part in panels("metrics", None).values() for one in part)


def _may_read() -> bool:
    token = current_app.config["METRICS_TOKEN"]
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and secrets.same(given.strip(), token):
        return True
    direct = not any(request.headers.get(name) for name in PROXIED)
    return direct and ip_address(request.remote_addr or "0.0.0.0").is_loopback


@blueprint.after_app_request
def measure(response: Response) -> Response:
    """Count the request under its route, never under its address."""
    route = request.url_rule.rule if request.url_rule else "-"
    if "started" in g:
        REQUESTS.labels(route, request.method, str(response.status_code)).observe(perf_counter() - g.started)
    return response
