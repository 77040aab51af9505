"""Whether those who carry messages can be reached from this machine: all are tried at once, each for a few seconds."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from app.core import http

SECONDS = 4.0


def away(smtp: str, addresses: Mapping[str, str]) -> list[str]:
    """A sentence for the mail server of SMTP_URL and for each address (by whom it belongs to) that does not answer.
    Whatever a web server answers, it is there; nothing is signed in to and nothing sent."""
    with ThreadPoolExecutor(16, "reach") as pool:
        tries = [pool.submit(_mail, smtp)] if smtp else []
        tries += [pool.submit(_web, name, url) for name, url in sorted(addresses.items())]
        return [said for one in tries if (said := one.result())]


def _mail(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "localhost", parts.port
    except ValueError:
        return ""  # said of the setting
    try:
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=SECONDS, context=ssl.create_default_context())
        else:
            server = smtplib.SMTP(host, port or 25, timeout=SECONDS)
        with server:
            server.ehlo()
    except (OSError, smtplib.SMTPException) as fault:
        place = f"{host} port {port}" if port else host
        return (f"The mail server {place} does not answer ({type(fault).__name__}), so no mail leaves. "
                "Check SMTP_URL and the network.")
    return ""


def _web(name: str, url: str) -> str:
    try:
        http.request("GET", url, timeout=SECONDS)
    except http.Unreachable as fault:
        return f"{name} can't be reached: {fault.reason}. Check the network, and OUTBOUND_ALLOW for private addresses."
    return ""
