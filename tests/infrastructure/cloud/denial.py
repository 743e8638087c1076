"""Denies what would change the account after a number of such requests, as a missing permission in the middle of an apply does."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock
from typing import Any

from tests.infrastructure.cloud.requests import body_of, scope_of

READS = re.compile(r"(?:^|[.&])(?:Action=)?(?:Batch)?(?:Get|List|Describe|Lookup)")


class Denial:
    """Passes requests on until the number in a file is used up; without the file it passes all of them.

    Reads and S3 are always allowed: Terraform keeps its state and its lock there.
    """

    def __init__(self, application: Any, file: Path) -> None:
        self.application = application
        self.file = file
        self.lock = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if self._passes(environ):
            passed: Iterable[bytes] = self.application(environ, start_response)
            return passed
        start_response("403 Forbidden", [("Content-Type", "application/json"), ("x-amzn-ErrorType", "AccessDeniedException")])
        return [json.dumps({"__type": "AccessDeniedException", "message": "denied by the test"}).encode()]

    def _passes(self, environ: dict[str, Any]) -> bool:
        scope = scope_of(environ)
        if scope is None or scope.service == "s3" or environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return True
        asked = environ.get("HTTP_X_AMZ_TARGET") or body_of(environ).decode("utf-8", "replace")
        if READS.search(asked.partition("&Version=")[0]):
            return True
        with self.lock:
            if not self.file.exists():
                return True
            left = int(self.file.read_text(encoding="utf-8"))
            self.file.write_text(str(max(0, left - 1)), encoding="utf-8")
            return left > 0
