"""Requests with a body: size, media type, caller and rate limits are checked before a byte of it is read.

FastAPI parses the body before it solves dependencies, so it would also parse the bodies of callers that a dependency
refuses.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi.dependencies.models import Dependant
from fastapi.params import File, Form
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.identity import current_user, signed_in
from app.kit.problems import Problem, TooLarge, UnsupportedMediaType
from app.kit.ratelimit import AddressLimit, UserLimit
from app.settings import Settings

JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"
# Parsing a form costs about ten times as much as parsing JSON of the same size. The largest form, a login, has 6 kB.
FORM_BYTES = 16_384


class EarlyRefusal(HTTPException):
    """Stops a body parser. FastAPI re-raises Starlette's exception, and turns any other into a 400."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(reason.status if isinstance(reason, Problem) else 500)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Rules:
    """The size of body that a route accepts, and the checks that come before it is read."""

    limit: int
    media_type: str
    address_limits: tuple[AddressLimit, ...]
    user_limits: tuple[UserLimit, ...]
    signed_in: bool


class BodyMiddleware:
    """Checks each request when its body is first asked for; the route is known by then."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._json_bytes = settings.max_body_bytes
        self._upload_bytes = settings.max_upload_bytes
        # Keyed by the id of the route, which lives as long as the application.
        self._rules: dict[int, _Rules] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        length = _length(scope) if scope["type"] == "http" else 0
        if not length:
            await self._app(scope, receive, send)
        elif length > max(self._upload_bytes, self._json_bytes):
            await TooLarge().response()(scope, receive, send)
        else:
            await self._app(scope, self._checked(scope, receive, length), send)

    def _checked(self, scope: Scope, receive: Receive, length: int) -> Receive:
        received, limit = 0, 0

        async def checked() -> Message:
            nonlocal received, limit
            if not limit:
                rules = self._rules_of(scope)
                limit = rules.limit
                await _admit(Request(scope), rules, length)
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise EarlyRefusal(TooLarge())
            return message

        return checked

    def _rules_of(self, scope: Scope) -> _Rules:
        route = scope.get("route")
        if not isinstance(route, APIRoute):
            return _Rules(self._json_bytes, "", (), (), signed_in=False)
        rules = self._rules.get(id(route))
        if rules is None:
            rules = self._rules[id(route)] = self._read(route)
        return rules

    def _read(self, route: APIRoute) -> _Rules:
        limits = {MULTIPART: self._upload_bytes, FORM: min(FORM_BYTES, self._json_bytes)}
        calls = list(_calls(route.dependant))
        media_type = _media_type(route)
        return _Rules(
            limits.get(media_type, self._json_bytes),
            media_type,
            tuple(call for call in calls if isinstance(call, AddressLimit)),
            tuple(call for call in calls if isinstance(call, UserLimit)),
            signed_in in calls,
        )


def wrong_media_type(request: Request) -> UnsupportedMediaType | None:
    """Return a problem if the body is not in the format of its route: a form parser would see an empty form."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or not _length(request.scope):
        return None
    return _wrong_type(request.scope, _media_type(route))


def _wrong_type(scope: Scope, wanted: str) -> UnsupportedMediaType | None:
    sent = next((value for name, value in scope["headers"] if name == b"content-type"), b"").decode("latin-1")
    given = sent.partition(";")[0].strip().lower()
    fits = given == wanted or (wanted == JSON and given.startswith("application/") and given.endswith("+json"))
    return UnsupportedMediaType(wanted) if wanted and not fits else None


def _media_type(route: APIRoute) -> str:
    if route.body_field is None:
        return ""
    kind = route.body_field.field_info
    if isinstance(kind, File):
        return MULTIPART
    return FORM if isinstance(kind, Form) else JSON


def _length(scope: Scope) -> int:
    """Return the stated length of the body: 0 without a body, 1 if its length is not known beforehand."""
    length = 0
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            return 1
    return length


def _calls(dependant: Dependant) -> Iterator[object]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)


async def _admit(request: Request, rules: _Rules, length: int) -> None:
    if length > rules.limit:
        raise EarlyRefusal(TooLarge())
    if problem := _wrong_type(request.scope, rules.media_type):
        raise EarlyRefusal(problem)
    try:
        for address_limit in rules.address_limits:
            await address_limit(request)
        if rules.signed_in:
            user = await current_user(request)
            for user_limit in rules.user_limits:
                await user_limit(request, user)
    except Exception as reason:
        raise EarlyRefusal(reason) from reason
