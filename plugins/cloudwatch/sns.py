"""Amazon SNS: which addresses are Amazon's, what is signed, and whether a signature is genuine.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import base64
import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate

from app.plugin_api import ForbiddenAddress, Rejected, Retry, Unreachable, moment, request, text

HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]+){1,3}-\d{1,2}\.amazonaws\.com(\.cn)?")
CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-zA-Z]{1,64}\.pem")
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
VERSIONS = ("1", "2")
# SNS tries one message again for an hour at most; what is older was kept by somebody.
OLD_SECONDS, AHEAD_SECONDS = 3_900, 60
SECONDS = 5.0
KEPT = 20
_certificates: OrderedDict[str, bytes] = OrderedDict()


def amazon(address: object, what: str) -> str:
    """The path and query of an address of SNS. Raises Rejected (unauthenticated) for any other address."""
    said = text(address)
    try:
        parts = urlsplit(said)
        fine = parts.scheme == "https" and parts.netloc == parts.hostname and HOST.fullmatch(parts.netloc) is not None
    except ValueError:
        fine = False
    if not fine or not said.isascii() or not said.isprintable() or any(sign in said for sign in " \\#"):
        raise Rejected(f"{what} is no address of Amazon SNS", unauthenticated=True)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def canonical(message: Mapping[str, Any]) -> bytes:
    """The text that Amazon signs."""
    names = [name for name in SIGNED[text(message.get("Type"))] if isinstance(message.get(name), str)]
    return "".join(f"{name}\n{message[name]}\n" for name in names).encode("utf-8", "replace")


def check(message: Mapping[str, Any], config: Mapping[str, Any], at: datetime) -> None:
    """Raise Rejected (unauthenticated) unless Amazon signed this message lately; Retry when it can't be asked now.

    Nothing is called before every address in the message was found to be Amazon's own.
    """
    path = amazon(message.get("SigningCertURL"), "SigningCertURL")
    if not CERTIFICATE.fullmatch(path):
        raise Rejected("SigningCertURL is no certificate of Amazon SNS", unauthenticated=True)
    if text(message.get("Type")) == "SubscriptionConfirmation":
        confirmation(message)
    if text(message.get("SignatureVersion")) not in VERSIONS:
        raise Rejected("The signature is wrong: its version is neither 1 nor 2", unauthenticated=True)
    sent = moment(message.get("Timestamp"))
    if sent is None or not -AHEAD_SECONDS <= (at - sent).total_seconds() <= OLD_SECONDS:
        raise Rejected("The signature is stale: SNS sent this message more than an hour ago", unauthenticated=True)
    pem = "\n".join(config.get("certificate") or ()).encode() or certificate(text(message["SigningCertURL"]), path, config)
    check_signature(message, pem, at)


def check_signature(message: Mapping[str, Any], pem: bytes, at: datetime) -> None:
    """Raise Rejected (unauthenticated) unless the key of this certificate signed the message."""
    version = hashes.SHA1() if text(message.get("SignatureVersion")) == "1" else hashes.SHA256()  # noqa: S303 - Amazon's version 1
    try:
        found = load_pem_x509_certificate(pem)
        key = found.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or not found.not_valid_before_utc <= at <= found.not_valid_after_utc:
            raise Rejected("The signature is wrong: its certificate is not valid now", unauthenticated=True)
        key.verify(base64.b64decode(text(message.get("Signature"))), canonical(message), padding.PKCS1v15(), version)
    except InvalidSignature:
        raise Rejected("The signature is wrong", unauthenticated=True) from None
    except ValueError:
        raise Rejected("The signature or its certificate can't be read", unauthenticated=True) from None


def certificate(address: str, path: str, config: Mapping[str, Any]) -> bytes:
    """The certificate at a checked address; a few are kept, since Amazon changes them about once a year."""
    if address not in _certificates:
        _certificates[address] = ask(address, path, config)
        while len(_certificates) > KEPT:
            _certificates.popitem(last=False)
    return _certificates[address]


def confirmation(message: Mapping[str, Any]) -> str:
    """The path and query that confirm a subscription of this message's topic. Raises Rejected for any other address."""
    path = amazon(message.get("SubscribeURL"), "SubscribeURL")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    if asked.get("Action") != "ConfirmSubscription" or asked.get("TopicArn") != text(message.get("TopicArn")):
        raise Rejected("SubscribeURL does not confirm the topic of this message", unauthenticated=True)
    return path


def ask(address: str, path: str, config: Mapping[str, Any]) -> bytes:
    """What Amazon answers at a checked address. Raises Retry when it does not."""
    home = text(config.get("CLOUDWATCH_SNS_URL")).rstrip("/")
    try:
        answer = request("GET", home + path if home else address, timeout=SECONDS)
    except (Unreachable, ForbiddenAddress) as fault:
        raise Retry(f"Amazon SNS could not be asked: {fault.reason}") from None
    if answer.status != 200:
        raise Retry(f"Amazon SNS answered {answer.status}")
    return answer.body
