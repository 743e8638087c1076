"""Routes with idempotency: they claim the key of a request, and store or repeat the response."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.params import Depends as Dependency
from fastapi.routing import APIRoute
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from app.composition import FeatureError
from app.dependencies import resources_of
from app.idempotency.models import StoredAnswer
from app.idempotency.problems import KeyInUse, KeyReused
from app.idempotency.settings import IdempotencySettings
from app.kit.database import UnitOfWork, UnitOfWorkDep
from app.kit.identity import current_user
from app.kit.openapi import problems
from app.kit.problems import Invalid, Malformed
from app.kit.requests import client_address

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_SLOT = "app.idempotency"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=HEADER,
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by the caller, such as a UUID. A second request with the same key and body changes "
        "nothing and is given the first one's answer again.",
    ),
]


@dataclass(frozen=True, slots=True)
class _Claim:
    """A key that this request holds until the end of its transaction."""

    work: UnitOfWork
    digest: bytes
    fingerprint: bytes

    async def keep(self, response: Response) -> None:
        """Store the response in the unit of work."""
        headers = [[name, value] for name, value in response.headers.items() if name != "content-length"]
        values = {
            "fingerprint": self.fingerprint,
            "status": response.status_code,
            "headers": headers,
            "body": bytes(response.body),
            "created_at": func.now(),
        }
        query = insert(StoredAnswer).values(digest=self.digest, **values)
        # If a row exists here, it is older than IDEMPOTENCY_HOURS.
        await self.work.session.execute(query.on_conflict_do_update(index_elements=["digest"], set_=values))


class _Replay(Exception):  # noqa: N818  no error
    """The request was already executed."""

    def __init__(self, stored: StoredAnswer) -> None:
        self.response = Response(stored.body, stored.status)
        for name, value in stored.headers:
            self.response.headers[name] = value
        self.response.headers[REPLAYED] = "true"


class IdempotentRoute(APIRoute):
    """A route with idempotency. It stores the response, which dependencies never see."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if any(dependency.dependency in (_by_user, _by_address) for dependency in options.get("dependencies") or ()):
            responses = problems(KeyInUse, KeyReused, Invalid)
            for status, given in (options.get("responses") or {}).items():
                described = [part["description"] for part in (responses.get(status), given) if part]
                responses[status] = {**given, "description": "; ".join(described)}
            options["responses"] = responses
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler, wrapped to store or repeat the response if the request has the header."""
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            return await (_once(handle, request) if HEADER in request.headers else handle(request))

        return handle_once


async def _once(handle: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    try:
        await request.body()  # before the form is parsed, which would consume the body
    except ClientDisconnect:
        raise Malformed from None
    claims: list[_Claim] = []
    request.scope[_SLOT] = claims
    try:
        response = await handle(request)
    except _Replay as replay:
        return replay.response
    for claim in claims:
        if 200 <= response.status_code < 300:
            await claim.keep(response)
    return response


async def _by_user(request: Request, work: UnitOfWorkDep, key: IdempotencyKey = None) -> None:
    # Resolving the user as a dependency would make every create about 2 % slower.
    if key is not None:
        user = await current_user(request)
        await _claim(request, work, f"user {user.user_id}", key)


async def _by_address(request: Request, work: UnitOfWorkDep, key: IdempotencyKey = None) -> None:
    if key is not None:
        await _claim(request, work, f"address {client_address(request)}", key)


# For routes that require a login: keys are separate for each user.
idempotent_by_user: Dependency = Depends(_by_user)
# For routes without a login: keys are separate for each IP address.
idempotent_by_address: Dependency = Depends(_by_address)


async def _claim(request: Request, work: UnitOfWork, caller: str, key: str) -> None:
    """Claim the key. Raises KeyInUse, KeyReused, or the exception that repeats the first response."""
    if _SLOT not in request.scope:
        raise FeatureError("a router with idempotent routes needs route_class=IdempotentRoute")
    digest = hashlib.sha256(f"{caller} {key}".encode()).digest()
    fingerprint = await _fingerprint(request, key)
    # The lock is released with the transaction. If it is taken, the response asks the caller to retry.
    lock = func.pg_try_advisory_xact_lock(int.from_bytes(digest[:8], "big", signed=True))
    if not await work.session.scalar(select(lock)):
        raise KeyInUse
    # A separate statement, because it must see everything that was committed before the lock became free.
    age = timedelta(hours=resources_of(request).section(IdempotencySettings).idempotency_hours)
    query = select(StoredAnswer).where(StoredAnswer.digest == digest, StoredAnswer.created_at > func.now() - age)
    stored = (await work.session.execute(query)).scalar_one_or_none()
    if stored is None:
        request.scope[_SLOT].append(_Claim(work, digest, fingerprint))
    elif hmac.compare_digest(stored.fingerprint, fingerprint):
        raise _Replay(stored)
    else:
        raise KeyReused


async def _fingerprint(request: Request, key: str) -> bytes:
    """Return a digest of the request, keyed with the sender's own secret: the body may contain a password."""
    content_type = request.headers.get("content-type", "")
    multipart = content_type.lower().startswith("multipart/form-data")
    if multipart:
        content_type = "multipart/form-data"
    head = f"{request.method} {request.url.path}?{request.url.query} {content_type}\n"
    if (if_match := request.headers.get("if-match")) is not None:
        head += f"{if_match}\n"
    digest = hmac.new(key.encode(), head.encode(), hashlib.sha256)
    if not multipart:
        digest.update(await request.body())
        return digest.digest()
    # Compare the parts: a client that rebuilds its form for a retry uses another boundary.
    for name, value in (await request.form()).multi_items():
        if isinstance(value, str):
            _add(digest, name, value.encode())
        else:
            _add(digest, name, str(value.filename).encode(), str(value.content_type).encode(), await value.read())
            await value.seek(0)
    return digest.digest()


def _add(digest: "hmac.HMAC", name: str, *values: bytes) -> None:
    """Add a part of a form to the digest. Lengths come first, so that different parts never give the same input."""
    for value in (name.encode(), *values):
        digest.update(len(value).to_bytes(8, "big"))
        digest.update(value)
