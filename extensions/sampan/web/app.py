"""The routes. Each is a GET that changes nothing: what it answers follows from its URL alone."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from sampan.estimates import LEVELS, usd
from sampan.source import Template, is_local
from sampan.web import bundle, form, links, reading
from sampan.web.desk import BusyError, Desk, View
from sampan.web.guard import Guard
from sampan.web.settings import Settings

HERE: Final = Path(__file__).parent
CACHED: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
"""For what a page names with a digest of its content: another content has another URL."""


MINUS: Final = "\N{MINUS SIGN}"


class WrongAnswersError(Exception):
    """A project was asked for with answers that are refused; its arguments are the refusals."""


class _CachedFiles(StaticFiles):
    """Files that a browser keeps."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code < HTTPStatus.BAD_REQUEST:
            response.headers.update(CACHED)
        return response


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _environment(desk: Desk) -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    digests = {path.name: _digest(path.read_bytes()) for path in (HERE / "static").iterdir()}
    texts = {"diagram.css": desk.diagram_style, "lists": str(desk.lists)}
    made.globals |= {
        "levels": LEVELS,
        "lists": desk.lists,
        "digests": digests | {name: _digest(text.encode()) for name, text in texts.items()},
    }
    made.filters["usd"] = usd
    return made


class Pages:
    """The routes' handlers and what they share."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._environment = _environment(desk)

    def page(self, name: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> HTMLResponse:
        """Return a page."""
        body = self._environment.get_template(name).render(**values)
        return HTMLResponse(body, status, headers={"Cache-Control": "no-cache"})

    async def view(self, request: Request) -> View:
        """Return the view of the answers in a URL."""
        return await self.desk.view(self.desk.parse(request.query_params.multi_items()))

    async def valid(self, request: Request) -> View:
        """Return the view of the answers in a URL, if a project can be rendered from them."""
        view = await self.view(request)
        if not view.is_valid:
            raise WrongAnswersError(*(f"{name}: {message}" for name, message in view.messages.items()))
        return view

    async def form(self, request: Request) -> Response:
        """The page. Submitted forms and links that are longer than necessary are redirected to the short link."""
        pairs = request.query_params.multi_items()
        texts = self.desk.parse(pairs)
        if links.BASE in request.query_params:
            base = await self.desk.view(self.desk.parse(links.pairs(request.query_params[links.BASE])))
            texts = form.submitted(pairs, self.desk, base)
        view = await self.desk.view(texts)
        was = {name: text for name, text in request.query_params.items() if name == links.WAS}
        query = links.query(view.given, **was)
        if request.url.query != query:
            return RedirectResponse(f"/?{query}" if query else "/", HTTPStatus.SEE_OTHER)
        delta = _delta(await self.earlier(request), view)
        return self.page("page.html", **self._of_page(view, str(request.base_url)), was=was.get(links.WAS), delta=delta)

    def _of_page(self, view: View, base_url: str) -> dict[str, Any]:
        return {
            "view": view,
            "groups": form.groups(self.desk, view),
            "prefix": "",
            "kinds": self.desk.kinds,
            "folder": view.verdict.answers["service"],
            "take": bundle.take_away(view, self.desk.template),
            "is_local": is_local(self.desk.template.location),
            "base_url": base_url,
            "with_answer": self._with_answer,
        }

    def _with_answer(self, view: View, name: str, text: str) -> str:
        """Return the query string of a view with one answer changed."""
        texts = {**view.given, name: text}
        return links.query({each: texts[each] for each in self.desk.types if each in texts})

    async def earlier(self, request: Request) -> View | None:
        """Return the view of the answers before the last change, if the URL names them and they were valid."""
        if links.WAS not in request.query_params:
            return None
        view = await self.desk.view(self.desk.parse(links.pairs(request.query_params[links.WAS])))
        return view if view.is_valid else None

    async def files(self, request: Request) -> Response:
        """The tree of the files, with those that the last change touched."""
        view, was = await self.valid(request), await self.earlier(request)
        after = await self.desk.files(view)
        changes = reading.changed(await self.desk.files(was), after) if was else {}
        tree, kinds = reading.tree(after, changes), reading.counts(changes)
        return self.page("files.html", view=view, was=was, tree=tree, count=len(after), changes=changes, kinds=kinds)

    async def file(self, request: Request) -> Response:
        """A file of the tree: its text, and the differences that the last change made."""
        view, was = await self.valid(request), await self.earlier(request)
        after = await self.desk.files(view)
        before = await self.desk.files(was) if was else {}
        found = reading.read(request.query_params.get("path", ""), before, after)
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return self.page("file.html", view=view, **vars(found))

    async def compare(self, request: Request) -> Response:
        """Two sets of answers side by side."""
        texts = {side: request.query_params.get(side, "") for side in ("a", "b")}
        given = {side: self.desk.parse(links.pairs(self._query_of(text))) for side, text in texts.items()}
        first, second = [await self.desk.view(given[side]) for side in texts]
        errors = {
            side: "; ".join(f"{name}: {message}" for name, message in view.messages.items())
            for side, view in zip(texts, (first, second), strict=True)
        }
        unread = [side for side, text in texts.items() if text.strip() and not given[side] and "://" not in text]
        errors |= dict.fromkeys(unread, "write a link, a profile, or answers such as profile=sandbox&waf=true")
        changes = None
        if first.is_valid and second.is_valid and not unread:
            changes = reading.changed(await self.desk.files(first), await self.desk.files(second))
        return self.page(
            "compare.html",
            texts=texts,
            errors=errors,
            profiles=[f"profile={name}" for name in self.desk.profiles],
            a=first,
            b=second,
            groups=[kind for kind in self.desk.kinds if kind in {*first.estimate.groups(), *second.estimate.groups()}],
            most=max(view.estimate.costs["high"] for view in (first, second)),
            answers=self._differing(first, second),
            changes=changes,
            counts=reading.counts(changes or {}),
            kinds=self.desk.kinds,
        )

    def _query_of(self, text: str) -> str:
        """Return the query string of a link, of a profile, or of answers that were written without a link."""
        text = text.strip().rpartition("?")[2]
        return f"profile={text}" if text in self.desk.profiles else text

    def _differing(self, first: View, second: View) -> list[tuple[str, str, str, str]]:
        """Return name, help and both answers of each question whose answers differ."""
        pairs = ((name, *(self._answer(view, name) for view in (first, second))) for name in self.desk.types)
        return [(name, str(self.desk.details[name]["help"]).rstrip("?"), a, b) for name, a, b in pairs if a != b]

    def _answer(self, view: View, name: str) -> str:
        if name not in view.verdict.asked:
            return "does not apply"
        text = links.text(view.verdict.answers[name]).replace(",", ", ")
        return {"true": "yes", "false": "no", "": "empty"}.get(text, text)

    async def health(self, _: Request) -> Response:
        """Whether the server answers, for a health check."""
        return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})

    async def architecture(self, request: Request) -> Response:
        """The diagrams of all environments."""
        view = await self.view(request)
        return self.page("architecture.html", view=view, pictures=await self.desk.pictures(view))

    async def lists(self, _: Request) -> Response:
        """Suggestions for fields, which the script asks for once one of them has the focus."""
        response = self.page("lists.html")
        response.headers.update(CACHED)
        return response

    async def diagram_style(self, _: Request) -> Response:
        """The style sheet of the diagram, which belongs to the template."""
        return Response(self.desk.diagram_style, media_type="text/css", headers=CACHED)

    async def project(self, request: Request) -> Response:
        """The rendered project as a zip file."""
        view = await self.valid(request)
        files = await self.desk.files(view)
        name = str(view.verdict.answers["service"])
        headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
        return StreamingResponse(bundle.zipped(name, files), media_type="application/zip", headers=headers)

    async def answers(self, request: Request) -> Response:
        """The answers that differ from the defaults, as a file for `--data-file` and `sampan new --answers`."""
        view = await self.valid(request)
        headers = {"Content-Disposition": 'attachment; filename="answers.yml"'}
        return PlainTextResponse(bundle.answers_file(view), media_type="application/yaml", headers=headers)


def _delta(before: View | None, after: View) -> str:
    """Return the difference of the costs that a page shows, with the script's words; empty without any."""
    if before is None:
        return ""
    amounts = [round(after.estimate.costs[level]) - round(before.estimate.costs[level]) for level in LEVELS]
    signed = [f"{'+' if amount > 0 else MINUS if amount < 0 else ''}${abs(amount):,}" for amount in amounts]
    return f"{' to '.join(signed)} by the last change" if any(amounts) else ""


def create_app(template: Template, settings: Settings | None = None) -> FastAPI:
    """Return the application for one template. Its lifespan exports the template and opens the questionnaire."""
    limits = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with Desk(template, limits) as desk:
            app.state.pages = Pages(desk)
            yield

    app = FastAPI(title="Sampan", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for path, handler in {
        "/": Pages.form,
        "/files": Pages.files,
        "/file": Pages.file,
        "/compare": Pages.compare,
        "/health": Pages.health,
        "/architecture": Pages.architecture,
        "/diagram.css": Pages.diagram_style,
        "/lists": Pages.lists,
        "/project.zip": Pages.project,
        "/answers.yml": Pages.answers,
    }.items():
        app.add_api_route(path, _route(handler), methods=["GET", "HEAD"], include_in_schema=False)
    app.mount("/static", _CachedFiles(directory=HERE / "static"))
    app.add_exception_handler(BusyError, _busy)
    app.add_exception_handler(WrongAnswersError, _wrong)
    app.add_exception_handler(links.TooLongError, _too_long)
    app.add_exception_handler(HTTPStatus.NOT_FOUND, _not_found)
    app.add_middleware(GZipMiddleware, minimum_size=1_000)
    app.add_middleware(Guard, settings=limits)
    return app


def _route(handler: Callable[[Pages, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await handler(request.app.state.pages, request)

    return endpoint


def _error(request: Request, status: HTTPStatus, title: str, lines: list[str], **headers: str) -> Response:
    pages: Pages = request.app.state.pages
    response = pages.page("error.html", status, title=title, lines=lines, query=request.url.query)
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


async def _busy(request: Request, _: Exception) -> Response:
    lines = ["Other requests wait already. Try again in a moment."]
    return _error(request, HTTPStatus.SERVICE_UNAVAILABLE, "The server is busy", lines, Retry_After="2")


async def _wrong(request: Request, error: Exception) -> Response:
    return _error(request, HTTPStatus.UNPROCESSABLE_ENTITY, "These answers do not make a project", list(error.args))


async def _too_long(request: Request, error: Exception) -> Response:
    return _error(request, HTTPStatus.REQUEST_URI_TOO_LONG, "An answer is too long", [str(error)])


async def _not_found(request: Request, _: Exception) -> Response:
    return _error(request, HTTPStatus.NOT_FOUND, "Nothing is here", ["The questions are on the first page."])
