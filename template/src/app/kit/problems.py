"""Problems (RFC 9457): every error of the service is one, in the caller's language."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from app.kit.context import current_language, current_request_id
from app.kit.i18n import N_, translate

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818  RFC 9457's name
    """An error that a caller may see. Title and detail are message ids, translated when the answer is built."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = N_("Internal Server Error")
    detail: ClassVar[str] = N_("The request could not be completed. Try again later.")

    def __init__(self, headers: Mapping[str, str] | None = None, **parameters: object) -> None:
        self.headers = dict(headers or {})
        self.parameters = parameters
        super().__init__(self.slug)

    def members(self) -> Mapping[str, object]:
        """Extension members of the document."""
        return {}

    def document(self, language: str | None = None) -> dict[str, object]:
        """The problem document in a language; the request's own when none is given."""
        chosen = language or current_language()
        return {
            "type": f"urn:problem:{self.slug}",
            "title": translate(self.title, chosen),
            "status": self.status,
            "detail": translate(self.detail, chosen, **self.parameters),
            "request_id": current_request_id(),
            **self.members(),
        }

    def response(self) -> JSONResponse:
        """The answer that carries the problem."""
        return JSONResponse(jsonable_encoder(self.document()), self.status, self.headers, MEDIA_TYPE)


async def answer_failure(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond in place of an application that raised an exception."""
    await Problem().response()(scope, receive, send)


class NotFound(Problem):
    """There is nothing at this URL that the caller may see."""

    status = 404
    slug = "not-found"
    title = N_("Not found")
    detail = N_("There is nothing at this URL.")


class MethodNotAllowed(Problem):
    """The address exists, the method does not."""

    status = 405
    slug = "method-not-allowed"
    title = N_("Method not allowed")
    detail = N_("This URL does not support this method.")


class Malformed(Problem):
    """The service cannot parse the request."""

    status = 400
    slug = "malformed-request"
    title = N_("Malformed request")
    detail = N_("The request could not be read.")


class Unauthorized(Problem):
    """The token is missing or not valid."""

    status = 401
    slug = "unauthorized"
    title = N_("Not signed in")
    detail = N_("The access token is missing, expired or revoked.")

    def __init__(self) -> None:
        super().__init__({"WWW-Authenticate": "Bearer"})


class Forbidden(Problem):
    """Signed in, but not entitled."""

    status = 403
    slug = "forbidden"
    title = N_("Not allowed")
    detail = N_("Your account is not allowed to do this.")


class TooLarge(Problem):
    """The body is larger than the route accepts: MAX_UPLOAD_BYTES for files, MAX_BODY_BYTES for the rest."""

    status = 413
    slug = "too-large"
    title = N_("Request too large")
    detail = N_("The body of the request is too large.")


class UnsupportedMediaType(Problem):
    """The body does not have the format that the route accepts."""

    status = 415
    slug = "unsupported-media-type"
    title = N_("Unsupported media type")
    detail = N_("Send the body as %(media_type)s, and name it in the header Content-Type.")

    def __init__(self, media_type: str) -> None:
        super().__init__({"Accept": media_type}, media_type=media_type)


class TooManyRequests(Problem):
    """A rate limit is used up."""

    status = 429
    slug = "too-many-requests"
    title = N_("Too many requests")
    detail = N_("Try again in %(seconds)s seconds.")

    def __init__(self, retry_after: int) -> None:
        super().__init__({"Retry-After": str(retry_after)}, seconds=retry_after)


class Unavailable(Problem):
    """A server on which the service depends does not answer."""

    status = 503
    slug = "unavailable"
    title = N_("Temporarily unavailable")
    detail = N_("A part of the service does not answer. Try again in a few seconds.")

    def __init__(self) -> None:
        super().__init__({"Retry-After": "2"})


class FieldFault(BaseModel):
    """One wrong field: a JSON pointer into the request, and what is wrong there."""

    pointer: str
    detail: str


class Invalid(Problem):
    """The request was parsed, but some of its fields are invalid."""

    status = 422
    slug = "invalid"
    title = N_("Invalid request")
    detail = N_("Some fields are not valid.")

    def __init__(self, faults: Sequence[FieldFault]) -> None:
        super().__init__()
        self.faults = faults

    def members(self) -> Mapping[str, object]:
        """The wrong fields under `errors`."""
        return {"errors": [fault.model_dump() for fault in self.faults]}


class Unstorable(Problem):
    """The request was parsed, but a value does not fit its column, because its field lacks a constraint."""

    status = 422
    slug = "unstorable"
    title = N_("Invalid request")
    detail = N_("A value is too long, too large or contains a NUL character.")


class ProblemDocument(BaseModel):
    """The form of every error, for the OpenAPI document."""

    model_config = ConfigDict(title="Problem", extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: list[FieldFault] | None = None
