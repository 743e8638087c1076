"""Records requests to the emulated AWS: one line of JSON per request, with the caller's access key."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.infrastructure.cloud.requests import body_of, scope_of

LONGEST = 50_000
"""Bytes of a body that are kept; images and archives tell nothing."""


class Recorder:
    """Passes every request on, and writes those that are signed into a file."""

    def __init__(self, application: Any, file: Path) -> None:
        self.application = application
        self.file = file

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request. Its line is written before the answer is sent."""
        statuses: list[str] = []

        def start(status: str, *rest: Any) -> Any:
            statuses.append(status)
            return start_response(status, *rest)

        scope = scope_of(environ)
        body = body_of(environ) if scope else b""
        answer: Iterable[bytes] = self.application(environ, start)
        if scope:
            line = {
                "who": scope.key,
                "region": scope.region,
                "service": scope.service,
                "target": environ.get("HTTP_X_AMZ_TARGET", ""),
                "method": environ["REQUEST_METHOD"],
                "path": environ["PATH_INFO"],
                "query": environ.get("QUERY_STRING", ""),
                "body": body[:LONGEST].decode("utf-8", "replace"),
                "refused": statuses[0] >= "4",
            }
            with self.file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(line) + "\n")
        return answer
