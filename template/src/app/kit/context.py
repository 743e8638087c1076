"""The context of the current request or job, readable from anywhere below it."""

import os
from contextvars import ContextVar

import structlog

from app.kit import lock_order

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_language: ContextVar[str] = ContextVar("language", default="en")


def current_request_id() -> str | None:
    """The id of the request, or of the request that enqueued the job."""
    return _request_id.get()


def current_language() -> str:
    """The language of the response, one of LANGUAGES."""
    return _language.get()


def use_language(language: str) -> None:
    """Set the language of the response, for example as the signed-in user prefers."""
    _language.set(language)


def new_request_id() -> str:
    """A fresh request id: 32 hexadecimal characters."""
    return os.urandom(16).hex()


# A class, because a generator function would cost three times as much.
class request_context:  # noqa: N801  reads as the block that it is
    """Sets request id and language inside a block, and adds the id and other fields to its log lines."""

    def __init__(self, request_id: str, language: str, **log_fields: str) -> None:
        self._request_id = request_id
        self._language = language
        self._log_fields = log_fields

    def __enter__(self) -> None:
        self._held = lock_order.begin()
        # An earlier request on this connection may have left its context.
        structlog.contextvars.clear_contextvars()
        self._tokens = _request_id.set(self._request_id), _language.set(self._language)
        structlog.contextvars.bind_contextvars(request_id=self._request_id, **self._log_fields)

    def __exit__(self, *_exception: object) -> None:
        structlog.contextvars.clear_contextvars()
        lock_order.end(self._held)
        _request_id.reset(self._tokens[0])
        _language.reset(self._tokens[1])
