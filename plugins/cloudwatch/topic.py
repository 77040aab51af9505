"""A subscription of an SNS topic by https: what is taken from it, and how it is confirmed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from app.plugin_api import Field, Inbound, Rejected, Signal, ignored, text

from . import sns

TOPIC = Field("topic_arn", "Topic", help="ARN of the only topic that may send; empty: the first that subscribes")
CERTIFICATE = Field("certificate", "Signing certificate", kind="lines",
                    help="Amazon's certificate in PEM, where this server can't fetch it; empty: fetched and kept")


def message(inbound: Inbound) -> dict[str, Any]:
    """The envelope of SNS. Raises Rejected."""
    body = inbound.object()
    if text(body.get("Type")) not in sns.SIGNED:
        raise Rejected("This is no message of Amazon SNS; switch off raw message delivery of the subscription")
    if not text(body.get("TopicArn")) or not text(body.get("MessageId")):
        raise Rejected('"TopicArn" or "MessageId" is missing')
    return body


class Topic(ABC):
    """Whatever comes by SNS; what it means is the matter of `read`."""

    slug = ""
    name = ""
    can: frozenset[str] = frozenset()
    settings: Sequence[str] = ("CLOUDWATCH_SNS_URL",)
    fields: Sequence[Field] = ()

    @abstractmethod
    def read(self, body: dict[str, Any], inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
        """The signals of a notification."""

    def verify(self, inbound: Inbound, config: Mapping[str, Any]) -> None:
        """Only what Amazon signed, lately, for the one topic."""
        body = message(inbound)
        topic = text(config.get("topic_arn"))
        if topic and topic != text(body["TopicArn"]):
            raise Rejected("The message is of another topic than this integration's", unauthenticated=True)
        sns.check(body, config, inbound.received_at)

    def normalize(self, inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
        """What the message says, or what became of the subscription."""
        body = message(inbound)
        if text(body["Type"]) == "SubscriptionConfirmation":
            return ignored(f"The subscription of {text(body['TopicArn'])} is confirmed")
        if text(body["Type"]) == "UnsubscribeConfirmation":
            return ignored(f"The subscription of {text(body['TopicArn'])} has ended: its messages no longer arrive")
        return self.read(body, inbound, config)

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
