"""Text messages by Amazon SNS, mail by Amazon SES, and runbooks by AWS Systems Manager.

Sources: docs.aws.amazon.com/sns/latest/api/API_Publish.html, …/ses/latest/APIReference-V2/API_SendEmail.html.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app.plugin_api import (
    Address,
    Answer,
    Field,
    Message,
    NoAccess,
    Receipt,
    Refused,
    Rejected,
    Retry,
    Setting,
    deliver,
    hookimpl,
    is_mail_address,
    mail_of,
    now,
    text_message,
)

from .runbook import SystemsManager
from .signing import signed

SETTINGS = ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL")
NEEDS = SETTINGS[:3]
CREDENTIALS = ("InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClient", "AccessDenied", "ExpiredToken",
               "AuthFailure", "InvalidSignature", "MissingAuthenticationToken", "IncompleteSignature")
BUSY = ("Throttl", "TooManyRequests", "LimitExceeded", "ServiceUnavailable", "InternalError", "InternalFailure")
NUMBER = re.compile(r"\+[1-9]\d{6,14}")


def call(config: Mapping[str, Any], service: tuple[str, str, str], body: bytes, kind: str) -> Answer:
    """One signed call. `service`: its name in signatures, in host names, and the path."""
    name, host, path = service
    region = config["AWS_REGION"]
    base = (config.get("AWS_ENDPOINT_URL") or f"https://{host}.{region}.amazonaws.com").rstrip("/")
    headers = signed(f"{base}{path}", body, {"Content-Type": kind}, scope=(region, name), at=now(),
                     keys=(config["AWS_ACCESS_KEY_ID"], config["AWS_SECRET_ACCESS_KEY"]))
    return deliver(f"{base}{path}", account=True, judge=judge, headers=headers, data=body)


def judge(answer: Answer) -> Exception | None:
    """What an error of Amazon's means; its code stands in the body, as XML or JSON, or in a header."""
    if 200 <= answer.status < 300:
        return None
    found = re.search(r"<Code>(\w+)</Code>", answer.text) or re.search(r'"__type"\s*:\s*"[^"]*?(\w+)"', answer.text)
    code = found[1] if found else answer.headers.get("x-amzn-errortype", "").partition(":")[0]
    if any(part in code for part in BUSY):
        return Retry(f"Amazon is busy ({code})")
    if any(part in code for part in CREDENTIALS):
        return NoAccess(f"Amazon does not accept our access key ({code})")
    if "OptedOut" in code:
        return Refused("This number does not want messages (OptedOut)")
    return Rejected(f"Amazon refused it ({code or answer.status})") if 400 <= answer.status < 500 and code else None


class Sms:
    """One text message to one number, by SNS. It reports nothing later and takes no answers."""

    slug, name, provider, rank = "sms", "SMS", "Amazon SNS", 20
    address = Field("address", "Mobile number", kind="phone", required=True,
                    help="With country code, such as +4915112345678")
    can = frozenset({"verify", "loud"})
    settings = (*SETTINGS, "AWS_SMS_SENDER")
    needs = (*NEEDS, "AWS_SMS_SENDER")

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Publish one text to one number."""
        if not NUMBER.fullmatch(address.value):
            raise Refused("This is not a phone number with country code, such as +4915112345678")
        form = {"Action": "Publish", "Version": "2010-03-31", "PhoneNumber": address.value, "Message": text_message(message)}
        said = {"AWS.SNS.SMS.SMSType": "Transactional", "AWS.SNS.SMS.SenderID": config["AWS_SMS_SENDER"]}
        for place, (name, value) in enumerate(said.items(), 1):
            entry = f"MessageAttributes.entry.{place}"
            form |= {f"{entry}.Name": name, f"{entry}.Value.DataType": "String", f"{entry}.Value.StringValue": value}
        answer = call(config, ("sns", "sns", "/"), urlencode(form).encode(), "application/x-www-form-urlencoded")
        found = re.search(r"<MessageId>([^<]+)</MessageId>", answer.text)
        return Receipt("sent", "aws-sns", found[1] if found else "")


class Mail:
    """One mail to one address, by SES."""

    slug, name, provider, rank = "email", "E-mail", "Amazon SES", 20
    address = Field("address", "E-mail address", required=True)
    can = frozenset({"verify"})
    settings = (*SETTINGS, "AWS_MAIL_FROM")
    needs = (*NEEDS, "AWS_MAIL_FROM")

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Hand over the whole mail, so that its thread and id are ours."""
        if not is_mail_address(address.value):
            raise Refused("This is not an e-mail address")
        mail = mail_of(message, address.value, config["AWS_MAIL_FROM"])
        body = {"FromEmailAddress": config["AWS_MAIL_FROM"], "Destination": {"ToAddresses": [address.value]},
                "Content": {"Raw": {"Data": b64encode(mail.as_bytes()).decode()}}}
        answer = call(config, ("ses", "email", "/v2/email/outbound-emails"), json.dumps(body).encode(), "application/json")
        return Receipt("sent", "aws-ses", str(answer.json().get("MessageId", "")))


@hookimpl
def channels() -> list[Sms | Mail]:
    """The ways out."""
    return [Sms(), Mail()]


@hookimpl
def runbook_targets() -> list[SystemsManager]:
    """Where a runbook can act."""
    return [SystemsManager(signed)]


@hookimpl
def settings() -> list[Setting]:
    """Written AWS_… in the environment, or entered on the page of the channel."""
    return [
        Setting("REGION", help="Region of SNS, SES and Systems Manager, such as eu-west-1"),
        Setting("ACCESS_KEY_ID", help="Access key that may sns:Publish and ses:SendEmail"),
        Setting("SECRET_ACCESS_KEY", help="Its secret", secret=True),
        Setting("SMS_SENDER", help="Sender name of texts, 11 letters and digits at most; turns texts by SNS on"),
        Setting("MAIL_FROM", help="Sender of mail, an identity that SES has verified; turns mail by SES on"),
        Setting("ENDPOINT_URL", help="Address of the API in place of Amazon's own; a proxy or test double may stand in"),
    ]
