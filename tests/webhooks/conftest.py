"""One webhook of Payments."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.db import session
from app.webhooks.models import Webhook
from tests.config.documents import apply

SECRET = "a-secret-of-16-or-more"


@pytest.fixture
def hook(http_sink, payments):
    """A webhook of Payments that hears everything about incidents."""
    apply({"webhooks": [{"key": "bus", "name": "Bus", "url": f"{http_sink.url}/hook", "events": ["incident.*"],
                         "secret": SECRET, "team": "payments"}]})
    return session.scalars(select(Webhook)).one()
