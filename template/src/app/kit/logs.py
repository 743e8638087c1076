"""Logs: one JSON object per line, from the service and from its libraries alike."""

import json
import logging
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from app.kit.configuration import Environment

# Values under these names are removed from every log line, those of libraries included.
_SECRET_NAMES = frozenset({"password", "token", "access_token", "refresh_token", "authorization", "secret", "cookie"})


def configure_logging(environment: Environment, level: str, **fields: str) -> None:
    """Send all log records to standard error: JSON, or readable text on a developer's machine."""
    local = environment.is_local
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if local else "iso", utc=not local),
        _drop_secrets,
    ]
    if local:
        _log_through_the_library(shared)
    else:
        _log_directly([*shared, *_rendering(environment, fields)], level)
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(environment, fields),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # At INFO, these loggers report every call or their own housekeeping. The service logs requests and jobs itself,
    # with ids.
    for noisy in ("alembic", "app.kit.pool", "arq", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _log_through_the_library(processors: list[Processor]) -> None:
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _log_directly(processors: list[Processor], level: str) -> None:
    """Write the service's own lines without the standard library, which creates two records of each."""
    structlog.configure(
        processors=processors,
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )


class _Lines(structlog.WriteLogger):
    """Writes whole lines to standard error. The name is a field of each line."""

    def __init__(self, name: str = "app") -> None:
        super().__init__(sys.stderr)
        self.name = name


def _rendering(environment: Environment, fields: dict[str, str]) -> list[Processor]:
    if environment.is_local:
        return [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]

    def add_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {**fields, **event}

    return [add_fields, structlog.processors.format_exc_info, _as_json]


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return _encode(event)


# Created once: with a `default`, `json.dumps` creates an encoder for every call.
_encode = json.JSONEncoder(default=repr).encode


def _drop_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: "[removed]" if name.lower() in _SECRET_NAMES else value for name, value in event.items()}
