"""What machines ask about the process itself: is it up, is it ready, how is it doing."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    Gauge,
    Histogram,
    generate_latest,
)

from app.core import health, secrets
from app.core.access import access

blueprint = Blueprint("probes", __name__)

SECONDS = Histogram("oncall_request_seconds", "Time to answer, by route", ["route", "method", "status"],
                    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10))
FIGURES = {name: Gauge(f"oncall_{name}", text) for name, text in {
    "clock_age_s": "Seconds since the clock last ticked", "undispatched": "Events that wait to be dispatched",
    "inbox": "Deliveries that wait", "inbox_age_s": "Age of the oldest waiting delivery",
    "due_messages": "Messages that are due", "due_message_age_s": "How late the oldest due message is",
    "queue": "Jobs in the queues", "running_escalations": "Escalations that run"}.items()}
MEMORY = Gauge("oncall_memory_bytes", "Resident memory of this web process")


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
    figures: dict[str, Any] = health.examine().figures
    for name, gauge in FIGURES.items():
        if figures.get(name) is not None:
            gauge.set(figures[name])
    MEMORY.set(health.memory())
    return Response(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _may_read() -> bool:
    token = current_app.config["METRICS_TOKEN"]
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and secrets.same(given.strip(), token):
        return True
    direct = not request.headers.get("X-Forwarded-For")
    return direct and ip_address(request.remote_addr or "0.0.0.0").is_loopback


@blueprint.after_app_request
def measure(response: Response) -> Response:
    """Count the request under its route, never under its address."""
    route = request.url_rule.rule if request.url_rule else "-"
    if "took" in g:
        SECONDS.labels(route, request.method, str(response.status_code)).observe(g.took)
    return response
