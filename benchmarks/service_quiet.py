"""`app`, without its access log or its metrics: `python service_quiet.py log,metrics api --port 8000`. Run by the project's Python."""

import sys
from collections.abc import Callable

import prometheus_client
from app.cli import main
from app.kit import requests


def nothing(*_arguments: object, **_fields: object) -> None:
    """Do nothing, in place of a call whose cost is measured."""


class Silent:
    """A log that writes nothing but failures."""

    info: Callable[..., None] = staticmethod(nothing)
    exception: Callable[..., None] = staticmethod(requests.log.exception)


if __name__ == "__main__":
    left_out = sys.argv.pop(1).split(",")
    if "log" in left_out:
        requests.log = Silent()
    if "metrics" in left_out:
        for kind, methods in {"Counter": ["inc"], "Gauge": ["inc", "dec", "set"], "Histogram": ["observe"]}.items():
            for method in methods:
                setattr(getattr(prometheus_client, kind), method, nothing)
    main()
