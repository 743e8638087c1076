"""Copier without its repeated work: the same bytes for about a quarter of the CPU.

    with fast_copier():
        copier.run_copy(...)  # or run_update, run_recopy, a Worker

Inside the block Copier renders the path of the answers file once instead of once for each part of each path, does not compile text
without markup, reads git's `core.fileMode` once instead of once a file, parses each file of facts once, and shares compiled templates
between renderings of the same files. The first three are also patches for Copier, with their reasons and tests, in docs/upstream/. The
others are for a template with facts in YAML and for programs that render often: the matrix and the tests.

The block replaces private methods of Copier. It therefore compares the sources of these methods with those that the replacements were
written for. If one differs, it leaves Copier unchanged, and tests/generator/test_fast.py fails so that the maintainer adapts this module.
"""

import hashlib
import inspect
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from re import Pattern, escape
from re import compile as compile_pattern
from threading import RLock
from types import CodeType
from typing import Any, Final, NamedTuple

from copier import _jinja_ext
from copier._jinja_ext import SandboxedEnvironment, YieldExtension, get_yield_context
from copier._main import Worker
from copier._user_data import Question
from copier._vcs import get_git
from jinja2 import Environment
from jinja2.ext import Extension
from jinja2_ansible_filters import core_filters
from plumbum import ProcessExecutionError


class Part(NamedTuple):
    """A part of a library whose source must be as tested: SHA-256 of its text, shortened."""

    owner: Any
    name: str
    source: str


PARTS: Final = (
    Part(Worker, "_render_template", "e920cd5af145f849"),
    Part(Worker, "_render_file", "6312f9e9196cd669"),
    Part(Worker, "_render_path", "b204a5475f71a06b"),
    Part(Worker, "_render_parts", "cb3ececb415167fc"),
    Part(Worker, "_render_string", "cfd5cc646142eb3c"),
    Part(Worker, "_render_value", "d117ccc00e6d2c7c"),
    Part(Worker, "_sync_git_index_executable_bit", "88af4d75b2793322"),
    Part(Worker, "answers_relpath", "bc7cd583fab7327b"),
    Part(Question, "render_value", "93b71a60a48f2643"),
    Part(YieldExtension, "preprocess", "871e539694040c27"),
    Part(_jinja_ext, "get_yield_context", "295eca610e897d41"),
    Part(Environment, "compile", "634cba867b25347f"),
    Part(Environment, "from_string", "4bbae3bdb34507f2"),
    Part(core_filters, "from_yaml", "51126eef5719b93c"),
)


def fingerprint(part: Part) -> str:
    """Return the fingerprint of a part of the installed library; empty without such a part, or without its source."""
    found = inspect.getattr_static(part.owner, part.name, None)
    try:
        source = inspect.getsource(found.fget if isinstance(found, property) else found)  # type: ignore[arg-type]  # None is a TypeError
    except (OSError, TypeError):
        return ""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


@cache
def changed() -> tuple[str, ...]:
    """Return the names of the parts that differ from the tested ones in the installed libraries."""
    return tuple(f"{part.owner.__name__}.{part.name}" for part in PARTS if fingerprint(part) != part.source)


# -------------------------------------------------------------------- texts without markup


@lru_cache
def _markup(*marks: str | None) -> Pattern[str]:
    return compile_pattern("|".join(escape(mark) for mark in (*marks, "\r", "\n") if mark))


def _can_rewrite(extension: Extension) -> bool:
    kind = type(extension)
    return kind.preprocess not in {Extension.preprocess, YieldExtension.preprocess} or kind.filter_stream is not Extension.filter_stream


def is_plain_text(environment: Environment, source: object) -> bool:
    """Whether rendering `source` is certain to give `source`: it has no delimiter, no prefix and no line break."""
    if type(source) is not str or any(map(_can_rewrite, environment.iter_extensions())):
        return False
    markup = _markup(
        environment.block_start_string,
        environment.variable_start_string,
        environment.comment_start_string,
        environment.line_statement_prefix,
        environment.line_comment_prefix,
    )
    return markup.search(source) is None


def _forget_yield(environment: Environment) -> None:
    """Do what Copier does before each compilation."""
    context = get_yield_context(environment)
    context.yield_name = context.yield_iterable = None


_render_string = Worker._render_string  # noqa: SLF001  # this and the next ones are what the module replaces
_render_value = Question.render_value


def _render_string_faster(worker: Worker, string: str, extra_context: dict[str, Any] | None = None) -> str:
    if is_plain_text(worker.jinja_env, string):
        _forget_yield(worker.jinja_env)
        return string
    return _render_string(worker, string, extra_context)


def _render_value_faster(question: Question, value: Any, extra_answers: dict[str, Any] | None = None) -> Any:
    if is_plain_text(question.jinja_env, value):
        return value
    return _render_value(question, value, extra_answers)


# -------------------------------------------------------------------- once a rendering

_ANSWERS_PATH: Final = "_sampan_answers_path"
_GIT_IGNORES_MODES: Final = "_sampan_git_ignores_modes"

_answers_relpath = Worker.__dict__["answers_relpath"]
_render_template = Worker._render_template  # noqa: SLF001  # as above
_sync_executable_bit = Worker._sync_git_index_executable_bit  # noqa: SLF001  # as above


def _render_template_faster(worker: Worker) -> None:
    # The answers are final here, so the path is as well.
    worker.__dict__[_ANSWERS_PATH] = worker.answers_relpath
    try:
        _render_template(worker)
    finally:
        for name in (_ANSWERS_PATH, _GIT_IGNORES_MODES):
            worker.__dict__.pop(name, None)


def _answers_relpath_faster(worker: Worker) -> Path:
    found = worker.__dict__.get(_ANSWERS_PATH)
    if found is None:
        return Path(_answers_relpath.fget(worker))
    _forget_yield(worker.jinja_env)
    return Path(found)


def _sync_executable_bit_faster(worker: Worker, dst_relpath: Path, src_mode: int) -> None:
    known = worker.__dict__
    if _GIT_IGNORES_MODES not in known:
        known[_GIT_IGNORES_MODES] = _git_ignores_modes(worker.subproject.local_abspath)
    if known[_GIT_IGNORES_MODES]:
        _sync_executable_bit(worker, dst_relpath, src_mode)


def _git_ignores_modes(folder: Path) -> bool:
    try:
        return str(get_git(context_dir=folder)("config", "--type=bool", "--get", "core.fileMode")).strip() == "false"
    except ProcessExecutionError:  # not a repository, or not set: git uses the modes on disk
        return False


# -------------------------------------------------------------------- compiled templates

_compile = Environment.compile


def _settings(environment: Environment) -> tuple[Any, ...]:
    """Everything in an environment of Copier's that a compiled template depends on."""
    return (
        environment.block_start_string,
        environment.block_end_string,
        environment.variable_start_string,
        environment.variable_end_string,
        environment.comment_start_string,
        environment.comment_end_string,
        environment.line_statement_prefix,
        environment.line_comment_prefix,
        environment.trim_blocks,
        environment.lstrip_blocks,
        environment.newline_sequence,
        environment.keep_trailing_newline,
        environment.undefined,
        environment.optimized,
        environment.autoescape,
        tuple(map(type, environment.iter_extensions())),
    )


class _Source:
    """A source to compile, equal to the same source in the same settings; `environment` is the first that met it."""

    def __init__(self, environment: Environment, *key: Any) -> None:
        self.environment = environment
        self.key = (*key, _settings(environment))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Source) and self.key == other.key


@lru_cache(maxsize=4096)
def _compiled(source: _Source) -> CodeType:
    text, name, filename, _ = source.key
    code = _compile(source.environment, text, name, filename)
    del source.environment  # the cache keeps the source
    return code


def _compile_once(environment: Environment, source: Any, name: str | None = None, filename: str | None = None, **other: Any) -> Any:
    if other or not isinstance(source, str) or any(map(_can_rewrite, environment.iter_extensions())):
        return _compile(environment, source, name, filename, **other)
    _forget_yield(environment)
    return _compiled(_Source(environment, source, name, filename))


# -------------------------------------------------------------------- facts of the catalogue

# Each question and file imports the catalogue and parses its YAML, which is half of the time of a small template.


_from_yaml = core_filters.from_yaml


@lru_cache(maxsize=256)
def _parsed(text: str) -> bytes:
    return pickle.dumps(_from_yaml(text))


def _from_yaml_once(data: Any) -> Any:
    """Parse a text once; every caller gets an object of its own."""
    return pickle.loads(_parsed(data)) if type(data) is str else _from_yaml(data)  # noqa: S301  # dumped three lines above


# -------------------------------------------------------------------- the block

REPLACEMENTS: Final = (
    (Worker, "_render_template", _render_template_faster),
    (Worker, "_render_string", _render_string_faster),
    (Worker, "_sync_git_index_executable_bit", _sync_executable_bit_faster),
    (Worker, "answers_relpath", property(_answers_relpath_faster)),
    (Question, "render_value", _render_value_faster),
    (SandboxedEnvironment, "compile", _compile_once),
    (core_filters, "from_yaml", _from_yaml_once),
)
_lock = RLock()
_saved: list[tuple[Any, str, Any]] = []
_blocks = 0


def _enter() -> None:
    global _blocks  # noqa: PLW0603  # the classes that it counts for are global as well
    with _lock:
        _blocks += 1
        if _blocks == 1:
            for owner, name, replacement in REPLACEMENTS:
                _saved.append((owner, name, owner.__dict__.get(name)))
                setattr(owner, name, replacement)


def _leave() -> None:
    global _blocks  # noqa: PLW0603  # as above
    with _lock:
        _blocks -= 1
        while not _blocks and _saved:
            owner, name, original = _saved.pop()
            if original is None:
                delattr(owner, name)  # inherited
            else:
                setattr(owner, name, original)


@contextmanager
def fast_copier() -> Iterator[bool]:
    """Make Copier faster inside the block, which gets whether the installed version allows it. Blocks can be nested."""
    if changed():
        yield False
        return
    _enter()
    try:
        yield True
    finally:
        _leave()
