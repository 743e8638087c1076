"""Middleware for every request: id, language, log line, metrics, headers. Pure ASGI."""

import re
import time
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

import structlog
from prometheus_client import Counter, Gauge, Histogram
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.context import current_language, current_request_id, new_request_id, request_context
from app.kit.i18n import negotiate
from app.kit.problems import answer_failure
from app.settings import Settings

log = structlog.stdlib.get_logger("app.access")

# The response-time alarm counts requests above this, in seconds.
SLOW_REQUEST_SECONDS = 0.5
# Health probes and scrapes are not requests: they would dilute every ratio, and no user sees a probe's 503.
HTTP_REQUESTS = Counter("http_requests", "Requests answered")
HTTP_SERVER_ERRORS = Counter("http_server_errors", "Requests answered with a 5xx status")
HTTP_CLIENT_ERRORS = Counter("http_client_errors", "Requests answered with a 4xx status")
HTTP_SLOW_REQUESTS = Counter("http_slow_requests", "Requests that took longer than 0.5 s")
HTTP_REQUESTS_IN_FLIGHT = Gauge("http_requests_in_flight", "Requests that are being answered")
HTTP_REQUEST_SECONDS = Histogram(
    "http_request_seconds",
    "Seconds from the first byte of a request to the last of its answer, by class of status (2xx)",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

# A caller's request ID is used if it is safe in a log: letters, digits and hyphens.
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
# Matches `:uuid` in `{task_id:uuid}`: the converter of a parameter is not part of the route's name.
_CONVERTER = re.compile(r":[a-z]+(?=\})")
# Other methods share one label, so that callers cannot create metrics.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_EXTRA_HEADERS = "app.response_headers"
_NO_STORE = (b"cache-control", b"no-store")

RawHeader = tuple[bytes, bytes]


def add_response_header(request: HTTPConnection, name: str, value: str) -> None:
    """Add a header to the response, even if the response is a problem."""
    request.scope.setdefault(_EXTRA_HEADERS, []).append((name.lower().encode(), value.encode()))


def client_address(request: HTTPConnection) -> str:
    """Return the caller's IP address from X-Forwarded-For: count one hop from the right for each trusted proxy.

    The caller can write anything further to the left, so it proves nothing. The port is removed, and an IPv4 address
    in IPv6 form is converted back to IPv4.
    """
    trusted: int = request.app.state.settings.trusted_proxies
    # A repeated header is one list, and the proxy appends to its end.
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    peer = request.client.host if request.client else "unknown"
    if trusted and len(hops) >= trusted and len(hops[-trusted]) <= _LONGEST_HOP:
        return _address(hops[-trusted]) or peer
    return _address(peer) or peer


def client_network(request: HTTPConnection) -> str:
    """Return the key of the caller for limits: the IP address, or for IPv6 the /64, the smallest network of a host.

    A single IPv6 caller can use 2**64 addresses.
    """
    return _network(client_address(request))


# The longest hop is an IPv6 address in brackets, with a zone and a port.
_LONGEST_HOP = 64


@lru_cache(maxsize=4096)
def _address(hop: str) -> str:
    """Return the IP address of a hop such as `192.0.2.1:443` or `[2001:db8::1]:443`, or empty text."""
    bare = hop[1:].partition("]")[0] if hop.startswith("[") else hop
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    return str(ip_network(f"{address.partition('%')[0]}/64", strict=False)) if ":" in address else address


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head


class RequestMiddleware:
    """The outermost layer of the application. Its cost is added to every request, including health checks."""

    def __init__(self, app: ASGIApp, settings: Settings, failed: ASGIApp = answer_failure) -> None:
        """`failed` responds in place of an application that raised an exception."""
        self._app = app
        self._failed = failed
        self._languages = settings.language_codes
        self._default_language = settings.default_language
        self._prefix = settings.route_prefix
        self._probes = f"{settings.route_prefix}/health/"
        self._headers = [(b"x-content-type-options", b"nosniff")]
        if not settings.environment.is_local:
            self._headers.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method: str = scope["method"]
        if method == "HEAD":
            # A route answers HEAD like GET. The scope is copied because the server omits the body according to its own
            # scope.
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        # If a header is repeated, the last one counts here. Headers that may be lists are read elsewhere.
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _ACCEPTABLE_ID.fullmatch(given) else new_request_id()
        accepted = headers.get(b"accept-language", b"").decode("latin-1")
        with request_context(request_id, negotiate(accepted, self._languages, self._default_language)):
            await self._serve(scope, receive, send, method)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, method: str) -> None:
        started, status = time.perf_counter(), 0
        measured = scope["path"] != "/metrics" and not scope["path"].startswith(self._probes)
        if measured:
            HTTP_REQUESTS_IN_FLIGHT.inc()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._with_headers(scope, message["headers"])
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            log.exception("request failed", method=method, path=_sent(scope))
            if status:
                raise  # The response has begun, so only closing the connection can signal the failure.
            await self._failed(scope, receive, send_with_headers)
        finally:
            if measured:
                HTTP_REQUESTS_IN_FLIGHT.dec()
                self._record(scope, method, status or 500, time.perf_counter() - started)

    def _with_headers(self, scope: Scope, headers: Iterable[RawHeader]) -> list[RawHeader]:
        complete = [*headers, *self._headers, *scope.get(_EXTRA_HEADERS, ())]
        complete.append((b"x-request-id", (current_request_id() or "").encode()))
        names = {name for name, _ in complete}
        if b"cache-control" not in names:
            complete.append(_NO_STORE)
        if b"content-language" not in names:
            complete.append((b"content-language", current_language().encode()))
        return complete

    def _record(self, scope: Scope, method: str, status: int, seconds: float) -> None:
        label = method if method in _METHODS else "OTHER"
        route, duration = _measure(label, self._route(scope), status // 100)
        duration.observe(seconds)
        HTTP_REQUESTS.inc()
        if status >= 500:
            HTTP_SERVER_ERRORS.inc()
        elif status >= 400:
            HTTP_CLIENT_ERRORS.inc()
        if seconds > SLOW_REQUEST_SECONDS:
            HTTP_SLOW_REQUESTS.inc()
        milliseconds = round(seconds * 1000, 1)
        log.info("request", method=method, path=_sent(scope), route=route, status=status, milliseconds=milliseconds)

    def _route(self, scope: Scope) -> str:
        """Return the route's path template: a label with a limited number of values."""
        path: str | None = getattr(scope.get("route"), "path", None)
        if path is None:
            return "unmatched"
        # Depending on FastAPI's release, the route of an included router may have its path without the prefix.
        prefix = self._prefix
        included = scope["path"].startswith(f"{prefix}/") and not path.startswith(f"{prefix}/")
        return prefix + path if included else path


def _sent(scope: Scope) -> str:
    """Return the path without decoding it: decoded, it could break a log line or control a terminal."""
    path: bytes = scope["raw_path"]
    return path.decode("latin-1")


# Finding a metric's child by its labels costs more than counting. The cache is bounded by the methods, routes and
# status classes.
@lru_cache(maxsize=4096)
def _measure(method: str, route: str, status_class: int) -> tuple[str, Histogram]:
    label = _CONVERTER.sub("", route)
    return label, HTTP_REQUEST_SECONDS.labels(method, label, f"{status_class}xx")
