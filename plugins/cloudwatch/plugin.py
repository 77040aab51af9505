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

from .mail import SesMail
from .topic import CERTIFICATE, TOPIC, Topic

DATALESS = {"firing": "raise an alert", "resolved": "resolve the alert", "suppressed": "change nothing"}
STATES = {"alarm": "firing", "ok": "resolved"}


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


class CloudWatch(Topic):
    """A subscription of an SNS topic by https."""

    slug = "cloudwatch"
    name = "AWS CloudWatch"
    category = "Clouds"
    can = frozenset({"resolve"})  # not "open": without Amazon's signature nothing is taken
    fields = (
        TOPIC,
        Field("insufficient_data", "Alarms without data", kind="choice", default="firing", choices=tuple(DATALESS.items())),
        CERTIFICATE,
    )

    def read(self, body: dict[str, Any], inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
        """The alarm, or why there is none."""
        return alarm(body, config)


@hookimpl
def integrations() -> list[Topic]:
    """Alarms, and mail that Amazon received."""
    return [CloudWatch(), SesMail()]


@hookimpl
def settings() -> list[Setting]:
    """Written CLOUDWATCH_SNS_URL in the environment."""
    return [Setting("SNS_URL",
                    help="Asked instead of https://sns.<region>.amazonaws.com, where that is reached by another road")]
