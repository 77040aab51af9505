"""On to another page after a success."""

from __future__ import annotations

from flask import Response, flash, g, redirect, request


def go(url: str, message: str | None = None, *, tone: str = "calm") -> Response:
    """On to another page after a success, with a toast: 303 for a browser, `HX-Location` for htmx."""
    if message:
        g.told = message
        flash(message, tone)
    if request.headers.get("HX-Request") == "true" and "HX-Boosted" not in request.headers:
        return Response(status=200, headers={"HX-Location": url, "Vary": "HX-Request"})
    answer = redirect(url, 303)
    return Response(answer.get_data(), 303, answer.headers)
