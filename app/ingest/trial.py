"""Sending a test: the plugin's own sample, by the public road, signed like a real one. Nothing is open during the call."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app

from app.core import clock, contract, http, secrets, signatures
from app.core.access import Actor
from app.core.errors import Conflict
from app.ingest import credentials, testing
from app.ingest.models import Integration
from app.ingest.service import note_test

SECONDS = 8.0


@dataclass(frozen=True)
class Trial:
    """A request that is ready to go; `key` is under which its delivery will be found."""

    integration_id: int
    key: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def prepare(integration: Integration, *, page: bool, by: Actor) -> Trial:
    """Make the request; with `page` the people on duty are paged too. Raises Conflict when the plugin has no sample."""
    note_test(integration, by=by)
    sample, key, at = _sample(integration), secrets.new_token("test-"), clock.now()
    body, plugin = sample.read_bytes(), current_app.extensions["plugins"].integrations[integration.plugin]
    headers = {"Content-Type": contract.KINDS[sample.suffix], "Idempotency-Key": key,
               "X-OnCall-Test": testing.mark("page" if page else "quiet", key)}
    if hasattr(plugin, "sign"):
        headers |= plugin.sign(body, credentials.config_of(integration, plugin), at)
    if integration.secret_sealed is not None:
        headers |= signatures.made(body, secret=credentials.secret_of(integration), at=at,
                                   **credentials.scheme_of(integration))
    url = f"{current_app.config['BASE_URL']}/in/{credentials.token_of(integration)}"
    return Trial(integration.id, key, url, headers, body)


def _sample(integration: Integration) -> Path:
    registry = current_app.extensions["plugins"]
    if not registry.is_on("integration", integration.plugin):
        raise Conflict(f"The plugin {integration.plugin} is not installed or switched off")
    folder = registry.folder(registry.owner("integration", integration.plugin))
    path = contract.samples(folder, integration.plugin).get("firing")
    if path is None:
        raise Conflict(f"The plugin {integration.plugin} has no sample to send")
    return path


def send(trial: Trial) -> http.Answer:
    """Post it to our own address. Raises Unreachable with a sentence."""
    return http.request("POST", trial.url, headers=trial.headers, data=trial.body, timeout=SECONDS,
                        allow=_own_networks(urlsplit(trial.url).hostname or ""))


def _own_networks(host: str) -> list[str]:
    """Exactly the addresses of our own host: they may be private, and no other becomes reachable by this."""
    try:
        found = {ip_address(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return []
    return [f"{address}/{address.max_prefixlen}" for address in sorted(found, key=str)]


def refusal(answer: http.Answer) -> str:
    """Why a test left no delivery, in the words of the answer."""
    try:
        said = answer.json()
        detail = said.get("detail") or said.get("message") if isinstance(said, dict) else ""
    except ValueError:
        detail = ""
    return f"The test was answered {answer.status}" + (f": {detail}" if detail else "")
