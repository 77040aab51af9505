"""Alarms of AWS CloudWatch, sent through an SNS topic; nothing is taken that Amazon did not sign.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html and
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.plugin_api import (
    Field,
    Inbound,
    Rejected,
    Setting,
    Signal,
    filled,
    first,
    hookimpl,
    ignored,
    labels,
    mapping,
    meaning,
    moment,
    parse_json,
    text,
    web_link,
)

from . import sns

DATALESS = {"firing": "raise an alert", "resolved": "resolve the alert", "suppressed": "change nothing"}
STATES = {"alarm": "firing", "ok": "resolved"}


def message(inbound: Inbound) -> dict[str, Any]:
    """The envelope of SNS. Raises Rejected."""
    body = inbound.object()
    if text(body.get("Type")) not in sns.SIGNED:
        raise Rejected("This is no message of Amazon SNS; switch off raw message delivery of the subscription")
    if not text(body.get("TopicArn")) or not text(body.get("MessageId")):
        raise Rejected('"TopicArn" or "MessageId" is missing')
    return body


def alarm(body: dict[str, Any], config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an alarm; a message that is none is shown, and changes nothing."""
    try:
        said = mapping(parse_json(text(body.get("Message")).encode()))
    except Rejected:
        said = {}
    name, region = text(said.get("AlarmName")), region_of(text(said.get("AlarmArn")) or text(body.get("TopicArn")))
    if not name:
        return ignored(first(body.get("Subject"), "SNS brought a message that is no alarm of CloudWatch"))
    state, trigger = text(said.get("NewStateValue")).lower(), mapping(said.get("Trigger"))
    chosen = meaning({word: word for word in DATALESS}, config.get("insufficient_data"), "firing")
    status = meaning(STATES | {"insufficient_data": chosen}, state, "firing")
    metric = ".".join(filter(None, (text(trigger.get("Namespace")), text(trigger.get("MetricName")))))
    found = labels(trigger.get("Dimensions"))
    return [Signal(
        dedup_key=first(said.get("AlarmArn"), f"{text(said.get('AWSAccountId'))}:{region}:{name}"), status=status,
        title=name,
        severity="medium" if state == "insufficient_data" else "",
        body="\n".join(filter(None, (text(said.get("AlarmDescription")), text(said.get("NewStateReason"))))),
        url=console(region, name), service_key=found.get("service", ""),
        labels={**filled(account=said.get("AWSAccountId"), region=region, metric=metric), **found},
        happened_at=moment(said.get("StateChangeTime")),
    )]


def region_of(arn: str) -> str:
    """The region that an ARN names: arn:aws:cloudwatch:eu-west-1:…"""
    parts = arn.split(":")
    return parts[3] if len(parts) > 3 else ""


def console(region: str, name: str) -> str:
    """The alarm in Amazon's console."""
    if not region:
        return ""
    home = "console.amazonaws.cn" if region.startswith("cn-") else "console.aws.amazon.com"
    return web_link(f"https://{region}.{home}/cloudwatch/home?region={quote(region)}#alarmsV2:alarm/{quote(name, safe='')}")


class CloudWatch:
    """A subscription of an SNS topic by https."""

    slug = "cloudwatch"
    name = "AWS CloudWatch"
    can = frozenset({"resolve"})  # not "open": without Amazon's signature nothing is taken
    settings = ("CLOUDWATCH_SNS_URL",)
    fields = (
        Field("topic_arn", "Topic", help="ARN of the only topic that may send; empty: the first that subscribes"),
        Field("insufficient_data", "Alarms without data", kind="choice", default="firing", choices=tuple(DATALESS.items())),
        Field("certificate", "Signing certificate", kind="lines",
              help="Amazon's certificate in PEM, where this server can't fetch it; empty: fetched and kept"),
    )

    def verify(self, inbound: Inbound, config: Mapping[str, Any]) -> None:
        """Only what Amazon signed, lately, for the one topic."""
        body = message(inbound)
        topic = text(config.get("topic_arn"))
        if topic and topic != text(body["TopicArn"]):
            raise Rejected("The message is of another topic than this integration's", unauthenticated=True)
        sns.check(body, config, inbound.received_at)

    def normalize(self, inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
        """The alarm, or why there is none."""
        body = message(inbound)
        if text(body["Type"]) == "SubscriptionConfirmation":
            return ignored(f"The subscription of {text(body['TopicArn'])} is confirmed")
        if text(body["Type"]) == "UnsubscribeConfirmation":
            return ignored(f"The subscription of {text(body['TopicArn'])} has ended: its alarms no longer arrive")
        return alarm(body, config)

    def delivery_key(self, inbound: Inbound) -> str:
        """SNS sends a message again under the same id."""
        return text(message(inbound).get("MessageId"))

    def learns(self, inbound: Inbound) -> dict[str, str]:
        """The first topic that subscribes is the only one from then on."""
        return {"topic_arn": text(message(inbound).get("TopicArn"))}

    def confirm(self, inbound: Inbound, config: Mapping[str, Any]) -> None:
        """Tell Amazon that the subscription is wanted; only after `verify`. Raises Retry when Amazon does not answer."""
        body = message(inbound)
        if text(body["Type"]) == "SubscriptionConfirmation":
            sns.ask(text(body["SubscribeURL"]), sns.confirmation(body), config)


@hookimpl
def integrations() -> list[CloudWatch]:
    """The way in."""
    return [CloudWatch()]


@hookimpl
def settings() -> list[Setting]:
    """Written CLOUDWATCH_SNS_URL in the environment."""
    return [Setting("SNS_URL",
                    help="Asked instead of https://sns.<region>.amazonaws.com, where that is reached by another road")]
