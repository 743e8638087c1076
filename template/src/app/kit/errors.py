"""The one place where exceptions become problems."""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from app.kit.bodies import EarlyRefusal, wrong_media_type
from app.kit.database import is_outage, is_unstorable
from app.kit.problems import (
    FieldFault,
    Forbidden,
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    Unauthorized,
    Unavailable,
    Unstorable,
)
from app.kit.redis import OUTAGES, report
from app.kit.validation import describe

log = structlog.stdlib.get_logger(__name__)

_BY_STATUS: dict[int, type[Problem]] = {
    400: Malformed,
    403: Forbidden,
    404: NotFound,
    413: TooLarge,
}


def install_problem_handlers(application: FastAPI) -> None:
    """Answer every known exception with a problem. Unknown ones are left to RequestMiddleware."""
    application.add_exception_handler(Problem, _problem)
    application.add_exception_handler(RequestValidationError, _invalid)
    application.add_exception_handler(HTTPException, _http)
    application.add_exception_handler(DBAPIError, _database)
    application.add_exception_handler(PoolTimeoutError, _unavailable)
    # asyncpg raises TimeoutError when the server is silent.
    application.add_exception_handler(TimeoutError, _unavailable)
    for outage in OUTAGES:
        application.add_exception_handler(outage, _redis)


def field_faults(errors: RequestValidationError) -> list[FieldFault]:
    """Return the invalid fields as JSON pointers, without the input, which may be a password."""
    # Report each fault once: two dependencies of a route may read the same body.
    found = {("/" + "/".join(str(part) for part in error["loc"]), describe(error)): None for error in errors.errors()}
    return [FieldFault(pointer=pointer, detail=detail) for pointer, detail in found]


async def _problem(_request: Request, error: Exception) -> Response:
    return (error if isinstance(error, Problem) else Problem()).response()


async def _invalid(request: Request, error: Exception) -> Response:
    if problem := wrong_media_type(request):
        return problem.response()
    faults = field_faults(error) if isinstance(error, RequestValidationError) else []
    return Invalid(faults).response()


async def _http(request: Request, error: Exception) -> Response:
    if isinstance(error, EarlyRefusal):
        return await _answer(request, error.reason)
    if not isinstance(error, HTTPException):
        return Problem().response()
    if error.status_code == 401:
        return Unauthorized().response()
    if error.status_code == 405:
        return MethodNotAllowed({"Allow": ", ".join(_methods_here(request))}).response()
    kind = _BY_STATUS.get(error.status_code, Problem if error.status_code >= 500 else Malformed)
    return kind(headers=error.headers).response()


async def _answer(request: Request, error: Exception) -> Response:
    """Return the response to an exception that was raised while a body was parsed."""
    for kind in type(error).__mro__:
        if handle := request.app.exception_handlers.get(kind):
            response: Response = await handle(request, error)
            return response
    raise error


def _methods_here(request: Request) -> list[str]:
    """Return the methods that a URL accepts. Starlette's own list ends with the first route that has the path."""
    routes = request.app.router.routes
    methods = [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return ["GET", "HEAD", *methods[1:]] if methods[:1] == ["GET"] else methods


async def _database(_request: Request, error: Exception) -> Response:
    if isinstance(error, DBAPIError) and is_outage(error):
        return Unavailable().response()
    if isinstance(error, DBAPIError) and is_unstorable(error):
        log.warning("a value did not fit its column: its field needs a constraint", exc_info=error)
        return Unstorable().response()
    raise error


async def _redis(_request: Request, error: Exception) -> Response:
    report("redis failed a request", error)
    return Unavailable().response()


async def _unavailable(_request: Request, _error: Exception) -> Response:
    return Unavailable().response()
