"""What surrounds every request: id, language, log line, metrics, headers. Pure ASGI."""

import re
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit import metrics
from app.kit.context import current_language, new_request_id, request_context
from app.kit.i18n import negotiate
from app.kit.problems import Problem, TooLarge
from app.settings import Settings

log = structlog.stdlib.get_logger("app.access")

# An id from outside is kept when it can harm no log: letters, digits and hyphens.
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_EXTRA_HEADERS = "app.response_headers"


def add_response_header(request: HTTPConnection, name: str, value: str) -> None:
    """Have the answer carry a header, whoever builds the answer, problems included."""
    request.scope.setdefault(_EXTRA_HEADERS, []).append((name, value))


def client_address(request: HTTPConnection) -> str:
    """The caller's address: as many hops from the right of X-Forwarded-For as there are trusted proxies.

    What stands further left was written by the caller and proves nothing.
    """
    trusted: int = request.app.state.settings.trusted_proxies
    # A header that is sent twice is one list: the proxy writes at the end of the whole.
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    if trusted and len(hops) >= trusted:
        return hops[-trusted]
    return request.client.host if request.client else "unknown"


def _counted(receive: Receive, limit: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            # Starlette's own exception: a body parser passes it on, where it would turn another one into 400.
            raise HTTPException(413)
        return message

    return counted


class RequestMiddleware:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._health_prefix = f"{settings.route_prefix}/health"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _ACCEPTABLE_ID.fullmatch(given) else new_request_id()
        language = negotiate(
            headers.get("accept-language", ""), self._settings.language_codes, self._settings.default_language
        )
        with request_context(request_id, language):
            await self._serve(scope, receive, send, request_id)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(scope, MutableHeaders(scope=message), request_id)
            await send(message)

        limit = self._settings.max_body_bytes
        try:
            if int(Headers(scope=scope).get("content-length") or 0) > limit:
                await TooLarge().response()(scope, receive, send_with_headers)
                return
            await self._app(scope, _counted(receive, limit), send_with_headers)
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            if status:
                raise  # The answer is under way: closing the connection is all that is left to say.
            await Problem().response()(scope, receive, send_with_headers)
        finally:
            self._record(scope, status or 500, time.perf_counter() - started)

    def _add_headers(self, scope: Scope, headers: MutableHeaders, request_id: str) -> None:
        headers["X-Request-ID"] = request_id
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Cache-Control", "no-store")
        headers.setdefault("Content-Language", current_language())
        if not self._settings.environment.is_local:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        for name, value in scope.get(_EXTRA_HEADERS, ()):
            headers[name] = value

    def _route(self, scope: Scope) -> str:
        """The route's path, with its parameters unfilled: a label that callers cannot multiply."""
        path: str | None = getattr(scope.get("route"), "path", None)
        if path is None:
            return "unmatched"
        # The route of an included router may know its path without the prefix, depending on FastAPI's release.
        prefix = self._settings.route_prefix
        included = scope["path"].startswith(f"{prefix}/") and not path.startswith(f"{prefix}/")
        return prefix + path if included else path

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = self._route(scope)
        metrics.HTTP_REQUESTS.labels(scope["method"], route, str(status)).inc()
        metrics.HTTP_REQUEST_SECONDS.labels(route).observe(seconds)
        if status >= 500:
            metrics.HTTP_SERVER_ERRORS.inc()
        if seconds > metrics.SLOW_REQUEST_SECONDS:
            metrics.HTTP_SLOW_REQUESTS.inc()
        path: str = scope["path"]
        if not path.startswith(self._health_prefix) and path != "/metrics":
            milliseconds = round(seconds * 1000, 1)
            log.info("request", method=scope["method"], path=path, status=status, milliseconds=milliseconds)
