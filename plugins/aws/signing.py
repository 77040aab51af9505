"""Signature version 4 of Amazon Web Services (docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


def signed(url: str, body: bytes, headers: Mapping[str, str], *, keys: tuple[str, str], scope: tuple[str, str],
           at: datetime) -> dict[str, str]:
    """The headers with time and signature. `keys`: access key id and secret; `scope`: region and service."""
    parts, stamp = urlsplit(url), at.strftime("%Y%m%dT%H%M%SZ")
    all_headers = {**headers, "Host": parts.netloc, "X-Amz-Date": stamp}
    named = {name.lower(): " ".join(value.split()) for name, value in all_headers.items()}
    names = ";".join(sorted(named))
    canonical = "\n".join(("POST", quote(parts.path or "/"), parts.query,
                           *(f"{name}:{named[name]}" for name in sorted(named)), "", names,
                           hashlib.sha256(body).hexdigest()))
    region, service = scope
    place = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join((ALGORITHM, stamp, place, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{keys[1]}".encode()
    for part in place.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    proof = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return {**all_headers, "Authorization": f"{ALGORITHM} Credential={keys[0]}/{place}, SignedHeaders={names}, "
                                            f"Signature={proof}"}
