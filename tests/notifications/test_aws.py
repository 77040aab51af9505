"""Texts by SNS and mail by SES: moto stands in for Amazon, and Amazon's own library checks our signature."""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.server import ThreadedMotoServer

from app.core.http import request
from tests import build
from tests.fakes import Reply
from tests.notifications.paged import message, page

SEND = "app.notifications.ticks.send"
NUMBER = "+4915112345678"


@pytest.fixture(scope="session")
def amazon():
    """The address of a local Amazon."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def aws(app, amazon):
    """An account whose texts and mail are turned on and whose sender is verified."""
    request("POST", f"{amazon}/moto-api/reset")
    app.config.update(AWS_REGION="eu-west-1", AWS_ACCESS_KEY_ID="AKIA1", AWS_SECRET_ACCESS_KEY="secret",
                      AWS_ENDPOINT_URL=amazon, AWS_SMS_SENDER="OnCall", AWS_MAIL_FROM="oncall@example.org")
    boto3.client("ses", "eu-west-1", endpoint_url=amazon, aws_access_key_id="x", aws_secret_access_key="x"
                 ).verify_email_identity(EmailAddress="oncall@example.org")
    return amazon


def test_our_signature_is_amazons(app):
    """Signed once by us and once by their library: the same."""
    from importlib import import_module
    signing = import_module(type(app.extensions["plugins"].providers["sms"]["aws"]).__module__.rpartition(".")[0] + ".signing")
    url, body, at = "https://sns.eu-west-1.amazonaws.com/", b"Action=Publish", datetime(2026, 3, 2, 12, tzinfo=UTC)
    ours = signing.signed(url, body, {"Content-Type": "text/plain"}, keys=("AKIA1", "secret"), scope=("eu-west-1", "sns"), at=at)
    theirs = AWSRequest("POST", url, {"Content-Type": "text/plain", "Host": "sns.eu-west-1.amazonaws.com"}, body)
    theirs.context["timestamp"] = "20260302T120000Z"
    theirs.headers["X-Amz-Date"] = "20260302T120000Z"
    signer = SigV4Auth(Credentials("AKIA1", "secret"), "sns", "eu-west-1")
    assert ours["Authorization"].endswith(signer.signature(signer.string_to_sign(theirs, signer.canonical_request(theirs)), theirs))


def test_somebody_with_only_sms_is_paged_by_sns(now, tick, aws):
    """NTF-02: a text without codes, since nobody could answer it."""
    dora = build.user("dora", reachable=False)
    build.contact(dora, "sms", NUMBER)
    page(dora, title="Checkout is down")
    tick(SEND)
    assert (message().state, message().provider) == ("sent", "aws-sns") and message().provider_id


def test_mail_goes_by_ses_when_there_is_no_smtp(now, tick, app, aws, ana):
    """The same mail, with our thread and id."""
    app.config["SMTP_URL"] = ""
    page(ana, title="Checkout is down")
    tick(SEND)
    assert (message().state, message().provider) == ("sent", "aws-ses")
    raw = request("GET", f"{aws}/moto-api/data.json", most=8_000_000)
    assert raw.status == 200 and "Checkout is down" in raw.text


def test_when_smtp_is_down_ses_takes_the_mail_in_the_same_attempt(now, tick, app, aws, ana):
    """NTF-18."""
    app.config["SMTP_URL"] = "smtp://127.0.0.1:9"
    page(ana)
    tick(SEND)
    assert (message().state, message().attempts, message().account) == ("sent", 1, "aws")


@pytest.mark.parametrize(("status", "body", "words"), [
    (403, b"<Error><Code>InvalidClientTokenId</Code></Error>", "does not accept our access key"),
    (400, b"<Error><Code>InvalidParameter</Code></Error>", "refused it (InvalidParameter)"),
    (500, b"<Error><Code>InternalFailure</Code></Error>", "Amazon is busy"), (503, b"", "The answer was 503"),
])
def test_what_amazon_refuses_is_a_sentence(now, tick, app, aws, http_sink, status, body, words):
    app.config["AWS_ENDPOINT_URL"], http_sink.answer = http_sink.url, Reply(status, body)
    dora = build.user("dora", reachable=False)
    build.contact(dora, "sms", NUMBER)
    page(dora)
    tick(SEND)
    assert words in message().error
