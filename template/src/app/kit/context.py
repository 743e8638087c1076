"""What belongs to the request or job at hand, readable from anywhere below it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

import structlog

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_language: ContextVar[str] = ContextVar("language", default="en")


def current_request_id() -> str | None:
    """The id of the request, or of the request that asked for the job."""
    return _request_id.get()


def current_language() -> str:
    """The language to answer in, one of LANGUAGES."""
    return _language.get()


def use_language(language: str) -> None:
    """Answer in this language from here on, as when the signed-in user prefers one."""
    _language.set(language)


def new_request_id() -> str:
    """A fresh request id: 32 hexadecimal characters."""
    return uuid4().hex


@contextmanager
def request_context(request_id: str, language: str, **log_fields: str) -> Iterator[None]:
    """Hold request id and language for a block, and bind both to its log lines."""
    # What an earlier request on this connection bound is not this one's.
    structlog.contextvars.clear_contextvars()
    request_token, language_token = _request_id.set(request_id), _language.set(language)
    try:
        with structlog.contextvars.bound_contextvars(request_id=request_id, **log_fields):
            yield
    finally:
        _request_id.reset(request_token)
        _language.reset(language_token)
