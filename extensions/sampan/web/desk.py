"""The template's verdict on a set of answers, their sizes, cost and capacity; and the rendered project.

The questionnaire has one set of answers at a time, so one thread asks it. Renderings have a thread of their own. Both queues are short: a
request beyond them is refused at once, so that a server under load answers some quickly instead of all too late.
"""

import asyncio
import json
import stat
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Generic, Self, TypeVar

from sampan import answers, reference, rendering
from sampan.estimates import ANSWERS_FILE, Estimate
from sampan.questionnaire import Questionnaire, Verdict
from sampan.source import Template
from sampan.web import links
from sampan.web.settings import Settings

CAPACITY: Final = "{% import 'extensions/summary.jinja' as summary with context %}{= summary.environments_of(sizes) =}"
KINDS: Final = "{% import 'extensions/cost.jinja' as cost %}{= cost.groups | list | to_json =}"
DIAGRAM: Final = (
    "{% import 'extensions/diagram.jinja' as diagram with context %}{= diagram.svg(_environment, 'architecture-' ~ _environment) =}"
)
DIAGRAM_STYLE: Final = "{% import 'extensions/diagram.jinja' as diagram with context %}{= diagram.style() =}"
LEFT_OUT: Final = frozenset({"destroyed"})
"""Questions about an update."""


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Result = TypeVar("Result")


class BusyError(Exception):
    """Too many requests wait already."""


@dataclass(frozen=True)
class View:
    """A set of answers, complete and judged, and what the template computes from it."""

    given: links.Texts
    """The answers that differ from the defaults, as text: the link of the page."""
    verdict: Verdict
    messages: Mapping[str, str]
    """The refusal of each wrong answer."""
    estimate: Estimate
    sizes: Mapping[str, Any]
    capacity: Mapping[str, Any]
    diagram: str
    """An SVG picture; empty for a version of the template that draws none."""

    @property
    def described(self) -> str:
        """The environment that the answers describe: production, or the last one."""
        return str(self.verdict.answers["environments"][-1])

    @property
    def data(self) -> dict[str, Any]:
        """The answers to pass to Copier."""
        return {name: self.verdict.answers[name] for name in self.given if name not in self.verdict.refused}

    @property
    def is_valid(self) -> bool:
        """Whether a project can be rendered."""
        return not self.messages and not self.verdict.refused

    @property
    def query(self) -> str:
        """The query string of the page."""
        return links.query(self.given)

    def shown(self, name: str) -> str:
        """Return the text that the form shows for a question: the given one, also when it is refused."""
        text = self.given[name] if name in self.given else links.text(self.verdict.answers[name])
        return text.replace("\0", "\N{REPLACEMENT CHARACTER}")  # as a browser reads it


@dataclass(frozen=True)
class File:
    """A rendered file."""

    content: bytes
    executable: bool


Files = Mapping[str, File]


class Kept(Generic[Key, Value]):
    """The values of the keys used last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Return a value and count it as used."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep a value, and forget the oldest ones beyond the limit."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)


class Queue:
    """A thread and those who wait for it."""

    def __init__(self, name: str, most: int) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._most = most
        self._waiting = 0

    async def run(self, function: Callable[[], Result]) -> Result:
        """Run a function in the thread. Raises `BusyError` when too many wait."""
        if self._waiting >= self._most:
            raise BusyError
        self._waiting += 1
        task = self._executor.submit(function)
        task.add_done_callback(lambda _: self._done())
        # A disconnected client does not stop the thread, which keeps its place in the queue until the work is done.
        return await asyncio.shield(asyncio.wrap_future(task))

    def _done(self) -> None:
        self._waiting -= 1

    def close(self) -> None:
        """Wait for the running work, and drop the rest."""
        self._executor.shutdown(cancel_futures=True)


class Desk:
    """Answers about the answers of one template. A context manager."""

    def __init__(self, template: Template, settings: Settings) -> None:
        self.template = template
        self._settings = settings
        self._scratch = TemporaryDirectory(prefix="sampan-web-")
        self.folder = Path(self._scratch.name, "template")
        template.export(self.folder)
        self._questionnaire = Questionnaire(self.folder)
        self.types = {name: kind for name, kind in self._questionnaire.types.items() if name not in LEFT_OUT}
        self.details = self._questionnaire.details
        self.groups = reference.groups(self.types, self.folder)
        self.profiles = [str(offer.value) for offer in self._questionnaire.check({}).offers["profile"]]
        self.items = self._items()
        self.lists = self._lists()
        self._draws = (self.folder / "extensions/diagram.jinja").is_file()
        self.diagram_style = self._questionnaire.rendered(DIAGRAM_STYLE, {}) if self._draws else ""
        self.kinds: list[str] = json.loads(self._questionnaire.rendered(KINDS, {}))
        self._views: Kept[tuple[tuple[str, str], ...], View] = Kept(settings.kept_views)
        self._projects: Kept[str, Files] = Kept(settings.kept_projects)
        self._asking = Queue("questionnaire", settings.waiting)
        self._rendering = Queue("rendering", settings.renderings)
        self._running: dict[str, asyncio.Task[Files]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for queue in (self._asking, self._rendering):
            queue.close()
        with self._questionnaire:
            self._scratch.cleanup()

    def _items(self) -> dict[str, dict[str, str]]:
        """Return the items of the lists that have a known set: languages of the catalogue, environments of the largest profile."""
        lists = [self._questionnaire.check({"profile": profile}).answers["environments"] for profile in self.profiles]
        return {
            "languages": {code: str(name) for code, name in answers.read(self.folder / "extensions/catalogue/languages.yaml").items()},
            "environments": {name: name for name in max(lists, key=len)},
        }

    def _lists(self) -> dict[str, list[str]]:
        """Return the suggestions for answers that have too many values for a choice: time zones by place, and currencies."""
        zones = self._names("timezones.yaml")
        places = sorted(
            name for name in zones if "/" in name and not name.startswith(("Etc/", "US/", "Canada/", "Brazil/", "Chile/", "Mexico/"))
        )
        return {"time_zone": ["UTC", *places], "currency": sorted(self._names("currencies.yaml"))}

    def _names(self, catalogue: str) -> list[str]:
        path = self.folder / "extensions/catalogue" / catalogue
        return " ".join(map(str, answers.read(path).values())).split() if path.is_file() else []

    def parse(self, pairs: list[tuple[str, str]]) -> dict[str, str]:
        """Return the answers among the parameters of a URL."""
        return links.parse(pairs, self.types, self._settings.longest_answer)

    async def view(self, texts: links.Texts) -> View:
        """Return what the template says about answers; the rest have their defaults."""
        key = tuple(texts.items())
        found = self._views.get(key)
        if found is None:
            found = await self._asking.run(lambda: self._view(texts))
            self._views.put(key, found)
            self._views.put(tuple(found.given.items()), found)
        return found

    def _view(self, texts: links.Texts) -> View:
        given, verdict = self._judge(dict(texts))
        computed = self._questionnaire.computed_values(verdict.answers, "sizes", "costs")
        complete = {**verdict.answers, **computed}
        capacity = json.loads(self._questionnaire.rendered(CAPACITY, complete))
        diagram = self._picture(complete, verdict.answers["environments"][-1])
        messages = {finding.question: finding.message for finding in verdict.findings}
        return View(given, verdict, messages, Estimate("answers", computed["costs"]), computed["sizes"], capacity, diagram)

    def _picture(self, complete: Mapping[str, Any], environment: str) -> str:
        return self._questionnaire.rendered(DIAGRAM, {**complete, "_environment": environment}) if self._draws else ""

    async def pictures(self, view: View) -> dict[str, str]:
        """Return the diagram of each environment, the described one first."""
        complete = {**view.verdict.answers, "sizes": view.sizes}
        names = list(reversed(view.verdict.answers["environments"]))
        return await self._asking.run(lambda: {name: self._picture(complete, name) for name in names})

    def _judge(self, texts: dict[str, str]) -> tuple[dict[str, str], Verdict]:
        """Leave out answers to questions that do not apply, and those that are the defaults anyway."""
        while True:
            verdict = self._questionnaire.check({name: links.value(text, self.types[name]) for name, text in texts.items()})
            unasked = [name for name in texts if name not in verdict.asked]
            if not unasked:
                break
            texts = {name: text for name, text in texts.items() if name not in unasked}
        given = {name: text if name in verdict.refused else links.text(verdict.answers[name]) for name, text in texts.items()}
        defaults = {name: links.text(verdict.defaults[name]) for name in given if name not in verdict.refused}
        return {name: text for name, text in given.items() if text != defaults.get(name)}, verdict

    async def files(self, view: View) -> Files:
        """Return the rendered project of valid answers. Raises `BusyError`."""
        key = json.dumps({name: view.verdict.answers[name] for name in self.types if name in view.verdict.asked})
        if (found := self._projects.get(key)) is not None:
            return found
        if key not in self._running:
            self._running[key] = asyncio.create_task(self._render(key, view.data))
        return await asyncio.shield(self._running[key])

    async def _render(self, key: str, data: Mapping[str, Any]) -> Files:
        try:
            found = await self._rendering.run(lambda: self._files(data))
            self._projects.put(key, found)
        finally:
            del self._running[key]
        return found

    def _files(self, data: Mapping[str, Any]) -> Files:
        with TemporaryDirectory(prefix="sampan-web-") as scratch:
            target = Path(scratch, "project")
            rendering.render(str(self.folder), target, data)
            paths = sorted((path.relative_to(target).as_posix(), path) for path in target.rglob("*") if path.is_file())
            files = {name: File(path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR)) for name, path in paths}
        stored = files[ANSWERS_FILE].content.decode()
        return files | {ANSWERS_FILE: File(self._stored(stored).encode(), executable=False)}

    def _stored(self, text: str) -> str:
        """Return an answers file with the place and version of the template instead of this server's copy of it."""
        described = self.template.described
        version = f"_commit: {described}\n" if described else ""
        return text.replace(f"_src_path: {self.folder}\n", f"{version}_src_path: {self.template.public}\n")
