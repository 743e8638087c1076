"""Serves the emulated AWS: `python -m tests.infrastructure.cloud PORT`."""

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

from tests.infrastructure.cloud import (
    account,
    alarms,
    backups,
    caches,
    costs,
    databases,
    dns,
    kubernetes,
    mail,
    network,
    parameters,
    storage,
    trails,
)
from tests.infrastructure.cloud.denial import Denial
from tests.infrastructure.cloud.recorder import Recorder

ADDED = (account, alarms, backups, caches, costs, databases, dns, kubernetes, mail, network, parameters, storage, trails)
"""Imported for what they add to moto."""


class FailFast:
    """Answers 501 where moto breaks: Terraform repeats an error 500 up to twenty-five times, whatever it was told."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request. The error's name and place go into the answer and the log."""
        try:
            answer: Iterable[bytes] = self.application(environ, start_response)
        except Exception as error:  # noqa: BLE001  Terraform must get any error at once
            place = traceback.extract_tb(error.__traceback__)[-1]
            words = (
                f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')}: {type(error).__name__}: {error} ({place.name}:{place.lineno})"
            )
            sys.stderr.write(f"not emulated: {words}\n")
            answer = [json.dumps({"__type": "NotEmulated", "message": words}).encode()]
            start_response("501 Not Implemented", [("Content-Type", "application/json"), ("x-amzn-ErrorType", "NotEmulated")])
        return answer


def serve(port: int) -> None:
    """Serve on the loopback interface until the process is stopped."""
    os.environ["MOTO_PORT"] = str(port)
    application = DomainDispatcherApplication(create_backend_app)
    served: Any = FailFast(application)
    if file := os.environ.get("DENY_AFTER"):
        served = Denial(served, Path(file))
    if file := os.environ.get("RECORD_REQUESTS"):
        served = Recorder(served, Path(file))
    run_simple("127.0.0.1", port, served, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
