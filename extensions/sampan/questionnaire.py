"""The questionnaire of copier.yml, applied to an answers file. It finds every refusal, not only the first.

Copier's public functions end at the first refused answer and render the project to get there. This adapter asks Copier's own `Question`,
so that types, choices and validators are the ones of a copy or an update. `tests/cli/test_lint.py` holds its verdicts to plain Copier's,
and fails when a release of Copier changes these classes.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import yaml
from copier._main import Worker
from copier._user_data import AnswersMap, Question
from jinja2 import meta

from sampan import classes, root, rules

LONGEST: Final = 72
"""Characters of a refusal, as in copier.yml: a terminal of 80 columns shows all of it."""


@dataclass(frozen=True)
class Finding:
    """A wrong answer: the question, and one line that starts with the remedy."""

    question: str
    message: str


@dataclass(frozen=True)
class Offer:
    """A choice of a question; `refusal` says why it cannot be chosen beside the other answers, and is empty when it can."""

    title: str
    value: Any
    refusal: str


@dataclass(frozen=True)
class Verdict:
    """Every answer of a project, including defaults, and the refusals of given answers."""

    answers: Mapping[str, Any]
    asked: frozenset[str]
    """The questions that apply: a service that joins a platform has no network of its own."""
    prompted: frozenset[str]
    """The questions that Copier asks in a terminal; the others take their defaults."""
    findings: tuple[Finding, ...]
    refused: frozenset[str]
    """The questions whose answers were refused; `answers` has their defaults."""
    defaults: Mapping[str, Any]
    """The default of each question, given the other answers."""
    offers: Mapping[str, tuple[Offer, ...]]
    """The choices of each question that has some."""


class Questionnaire:
    """The questions of a template, ready to check any number of answers files. A context manager, for a folder of its own."""

    def __init__(self, template: Path | None = None) -> None:
        self._source = template or root.root()
        self._folder = TemporaryDirectory(prefix="sampan-")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    @cached_property
    def _worker(self) -> Worker:
        """Return Copier on a copy of the questions. From a repository, it would use the last release."""
        copied = Path(self._folder.name, "template")
        shutil.copytree(self._source / "extensions", copied / "extensions", ignore=shutil.ignore_patterns("sampan", "__pycache__"))
        shutil.copy2(self._source / "copier.yml", copied)
        worker = Worker(src_path=str(copied), dst_path=Path(self._folder.name, "project"), defaults=True, quiet=True)
        environment = worker.jinja_env
        # Each question imports the catalogue, so without these two caches a check takes twenty times as long.
        # Bounded, because a server runs for weeks.
        environment.filters["from_yaml"] = lru_cache(512)(environment.filters["from_yaml"])
        environment.from_string = lru_cache(2048)(environment.from_string)  # type: ignore[method-assign, assignment]  # a cache in front of it
        return worker

    @cached_property
    def details(self) -> Mapping[str, Mapping[str, Any]]:
        """The questions in their order as copier.yml describes them, computed values left out."""
        return {name: details for name, details in self._worker.template.questions_data.items() if details.get("when") is not False}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the questions in their order, computed values left out."""
        return tuple(self.details)

    @cached_property
    def computed(self) -> frozenset[str]:
        """Names of the values that copier.yml computes."""
        return frozenset(self._worker.template.questions_data) - frozenset(self.names)

    @cached_property
    def types(self) -> Mapping[str, type]:
        """The type of each answer: `str`, `bool`, `int` or `list`."""
        return {name: type(answer) for name, answer in self.check({}).answers.items()}

    def check(self, answers: Mapping[str, Any]) -> Verdict:
        """Evaluate every question. For later questions, a refused answer counts as not given."""
        types = self.types if answers else {}
        worker = self._worker
        worker.answers = AnswersMap(init=dict(answers), external=worker._external_data())  # noqa: SLF001  # see the module
        asked: set[str] = set()
        prompted: set[str] = set()
        refused: set[str] = set()
        findings: list[Finding] = []
        defaults: dict[str, Any] = {}
        offers: dict[str, tuple[Offer, ...]] = {}
        for name in self.names:
            question = self._question(name)
            if question.get_when():
                asked.add(name)
                if question.get_ask():
                    prompted.add(name)
            answer, message = self._put(question, answers)
            defaults[name] = question.cast_answer(question.render_value(question.default)) if name in answers else answer
            if question.choices:
                choices = question._formatted_choices  # noqa: SLF001  # see the module
                offers[name] = tuple(Offer(str(choice.title), choice.value, choice.disabled or "") for choice in choices)
            if name in answers and type(answers[name]) is not types[name]:
                message = wrong_type(answers[name], types[name], answer, message)
            if message is not None:
                worker.answers.init.pop(name, None)
                if not refused & self._depends_on(name):
                    findings.append(Finding(name, message))
                refused.add(name)
            worker.answers.user[name] = answer
        given = {name: worker.answers.user[name] for name in self.names}
        return Verdict(given, frozenset(asked), frozenset(prompted), tuple(findings), frozenset(refused), defaults, offers)

    def computed_values(self, answers: Mapping[str, Any], *names: str) -> dict[str, Any]:
        """Return values that copier.yml computes from complete answers, each from those before it."""
        worker = self._worker
        worker.answers = AnswersMap(user={**answers}, external=worker._external_data())  # noqa: SLF001  # see the module
        for name in names:
            worker.answers.user[name] = self._question(name).get_default()
        return {name: worker.answers.user[name] for name in names}

    def rendered(self, source: str, answers: Mapping[str, Any]) -> str:
        """Render a template text, such as the call of a macro, with complete answers and computed values."""
        worker = self._worker
        worker.answers = AnswersMap(user={**answers}, external=worker._external_data())  # noqa: SLF001  # see the module
        return worker.jinja_env.from_string(source).render(worker._render_context())  # noqa: SLF001  # see the module

    def offered(self, name: str, others: Mapping[str, Any]) -> dict[str, Any]:
        """Return the choices that a question offers with other answers, by their titles."""
        question = self._beside(name, others)
        return {str(choice.title): choice.value for choice in question._formatted_choices if not choice.disabled}  # noqa: SLF001  # see the module

    def refuses(self, name: str, answer: Any, others: Mapping[str, Any]) -> bool:
        """Return whether a question refuses an answer, if the other answers are valid."""
        return self._put(self._beside(name, others), {name: answer})[1] is not None

    def depends_on(self, name: str) -> list[str]:
        """Return the other questions on whose answers the validity of this answer depends."""
        return [other for other in self.names if other in self._depends_on(name) and other != name]

    def rules(self, name: str) -> rules.Rules:
        """Return the conditions of a question's validator."""
        return rules.of(name, self.details[name].get("validator", ""), self._worker.jinja_env)

    def _beside(self, name: str, others: Mapping[str, Any]) -> Question:
        worker = self._worker
        worker.answers = AnswersMap(user={**others}, external=worker._external_data())  # noqa: SLF001  # see the module
        return self._question(name)

    def _question(self, name: str) -> Question:
        worker = self._worker
        details = worker.template.questions_data[name]
        return Question(answers=worker.answers, context=worker._render_context(), jinja_env=worker.jinja_env, var_name=name, **details)  # noqa: SLF001  # see the module

    @cache  # noqa: B019  # one questionnaire lives as long as the command
    def _depends_on(self, name: str) -> frozenset[str]:
        """Return the questions on whose answers the validity of this answer depends."""
        details = self._worker.template.questions_data[name]
        environment = self._worker.jinja_env
        sources = [details[part] for part in ("choices", "validator") if isinstance(details.get(part), str)]
        return frozenset().union(*(meta.find_undeclared_variables(environment.parse(source)) for source in sources))

    def _put(self, question: Question, answers: Mapping[str, Any]) -> tuple[Any, str | None]:
        """Return the answer for the questions that follow, and the reason why Copier does not take the given one (or the default)."""
        name = question.var_name
        try:
            if name not in answers:
                return question.get_default(), None
            answer = question.parse_answer(answers[name])
            question.validate_answer(answer)
        except (ValueError, TypeError) as error:
            refusal = str(error)
        else:
            return answer, None
        choices = question._formatted_choices  # noqa: SLF001  # see the module
        offered = [choice.value for choice in choices if not choice.disabled]
        if refusal.startswith(f"Invalid choice for '{name}': ") and not any(
            refusal.endswith(str(choice.disabled)) for choice in choices if choice.disabled
        ):
            refusal = choose(answers.get(name), offered)
        else:
            refusal = one_line(refusal.partition(f"'{name}': ")[2] or refusal)
        return question.cast_answer(question.render_value(question.default)), refusal


def wrong_type(given: Any, wanted: type, taken: Any, refusal: str | None) -> str | None:
    """Return the remedy for an answer of another type, which Copier refuses or converts: `no` without quotes is the text `False`."""
    if wanted is not str:
        return refusal or one_line(f"write {written(taken)} without quotes: in quotes it is text")
    if given is None:
        return "write a value, or remove the line"
    if isinstance(given, list | dict):
        return "write one line of text, not a list"
    return one_line(f"put the value in quotes: without them YAML reads {written(given)}")


def one_line(text: str, longest: int = LONGEST) -> str:
    """Return a message in one line that is not too long."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def written(value: Any) -> str:
    """Return a value in the form of an answers file, in one line."""
    if value == "":
        return '""'
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return " ".join(text.removesuffix("\n...\n").split())


def choose(answer: Any, choices: list[Any]) -> str:
    """Return a refusal with the choices that fit in a line, the nearest one first."""
    known = [written(choice) for choice in choices]
    given = written(answer)
    if near := classes.nearest(given, known) or next(iter(get_close_matches(given, known, n=1)), None):
        return one_line(f"choose {near}: {given} is not one of the choices")
    complete = f"choose {' or '.join(filter(None, [', '.join(known[:-1]), known[-1]]))}"
    if len(complete) <= LONGEST:
        return complete
    shown = 1
    while len(f"choose {', '.join(known[: shown + 1])} or another choice") <= LONGEST:
        shown += 1
    return one_line(f"choose {', '.join(known[:shown])} or another choice")
