"""Scope and body of a signed request to the emulated AWS."""

import io
import re
from dataclasses import dataclass
from typing import Any

_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True)
class Scope:
    """The scope of a signature, version 4: the access key, the region and the service."""

    key: str
    region: str
    service: str


def scope_of(environ: dict[str, Any]) -> Scope | None:
    """Return the scope of a request; None if it is not signed."""
    found = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return Scope(*found.groups()) if found else None


def body_of(environ: dict[str, Any]) -> bytes:
    """Return the body of a request, which can still be read afterwards."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
