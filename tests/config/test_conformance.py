"""What is generated from the description is never answered by a fault of ours, and every answer is as described."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from app.config import service
from app.config.document import load
from app.core.openapi import document
from app.identity.queries import user_by_email

EXAMPLE = Path(__file__).parent.joinpath("example.yaml").read_bytes()
METHODS = ("get", "post", "put", "patch", "delete")


def checked(said: dict, operation: dict, status: int, body: object) -> None:
    """Fail unless `body` is what the operation promises for `status`."""
    assert str(status) in operation["responses"], f"{operation['operationId']} answered {status}: {body}"
    content = operation["responses"][str(status)].get("content", {})
    for promised in content.values():
        Draft202012Validator({"components": said["components"], **promised["schema"]}).validate(body)


@pytest.mark.parametrize("method", METHODS)
def test_generated_requests_get_the_promised_answers(app: Flask, token: Callable[..., dict[str, str]],
                                                     method: str) -> None:
    service.apply(load([("example.yaml", EXAMPLE)]))
    said, headers = document(app), token(user_by_email("ana@example.com"))
    described = schemathesis.openapi.from_dict(said)
    operations = [found.ok() for found in described.get_all_operations()]
    cases = st.one_of([one.as_strategy() for one in operations if one.method.lower() == method])
    client = app.test_client()

    @settings(max_examples=25, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def run(case: schemathesis.Case) -> None:
        sent = case.as_transport_kwargs(base_url="http://localhost")
        answer = client.open(sent["url"].removeprefix("http://localhost"), method=method.upper(), headers=headers,
                             query_string=sent.get("params"), json=sent.get("json"), data=sent.get("data"))
        assert answer.status_code < 500, answer.text
        if answer.status_code not in (308, 405):
            checked(said, said["paths"][case.path][method], answer.status_code, answer.json if answer.data else None)
    run()
