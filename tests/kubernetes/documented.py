"""Commands of a rendered project's documents: found, cut into words, and held against what would parse them."""

import functools
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from sampan.cli import app
from tests.harness import required

TOOLS = {"alembic", "app", "aws", "copier", "docker", "gh", "git", "helm", "kubectl", "ops", "sampan", "terraform", "uv"}
"""First words that make a piece of inline code a command. In a block every line is one, in a console's every line after a `$`."""
BUILTINS = {"cat", "cd", "export"}
# Values for the placeholders of a document, so that its commands parse.
FILLED = {
    "ENVIRONMENT": "dev",
    "SERVICE-ENVIRONMENT": "shop-dev",
    "sha256:…": "sha256:" + "0" * 64,
    "…": "filled-in",
    "REGION": "ap-southeast-1",
}

_BLOCK = re.compile(r"^[ ]*```(sh|bash|console)\n(.*?)^[ ]*```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_FENCE = re.compile(r"^[ ]*```.*?^[ ]*```", re.MULTILINE | re.DOTALL)
_PARSE = """import json, sys
import typer
from ops.cli import application
commands, root = json.load(sys.stdin), typer.main.get_command(application())
for words in commands:
    command, rest, context = root, list(words), root.context_class(root, info_name="ops")
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest[0]]
        context = command.context_class(command, parent=context, info_name=rest.pop(0))
    if hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        print(json.dumps([words, f"there is no command {rest[0]}"]))
    elif "--help" not in rest:
        try:
            command.make_context(context.info_name, rest, parent=context.parent)
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            print(json.dumps([words, error.format_message()]))
"""


@dataclass(frozen=True, slots=True)
class Command:
    """One command, its position, and whether it is a line to run or mentioned in a sentence."""

    document: str
    words: tuple[str, ...]
    block: bool


def commands(document: Path, root: Path) -> Iterator[Command]:
    """Return every command of a document, with example values for the placeholders."""
    text = document.read_text(encoding="utf-8")
    name = str(document.relative_to(root))
    for language, block in _BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if language != "console" or line.lstrip().startswith("$ "):
                yield from (Command(name, words, block=True) for words in _cut(line.strip().removeprefix("$ ")))
    for span in _INLINE.findall(_FENCE.sub("", text)):
        flat = " ".join(span.split())
        first, _, rest = flat.partition(" ")
        if first in TOOLS and rest:
            yield from (Command(name, words, block=False) for words in _cut(flat))


def _cut(line: str) -> Iterator[tuple[str, ...]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("|&;"):
            yield from ([tuple(words)] if words else [])
            words = []
        else:
            words.append(_filled(word))
    if words:
        yield tuple(words)


def _filled(word: str) -> str:
    for placeholder, value in FILLED.items():
        word = re.sub(rf"(?<![A-Z-]){re.escape(placeholder)}(?![A-Z-])", value, word)
    return word


class Checker:
    """Finds faults in the commands of one project; an unknown command is a fault."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.operations: set[tuple[str, ...]] = set()
        self.by_tool: dict[str, Callable[[Command, tuple[str, ...]], str]] = {
            "aws": self._aws,
            "curl": _by_table,
            "docker": _by_table,
            "gh": _by_table,
            "git": _by_help,
            "kubectl": self._kubectl,
            "terraform": _by_help,
            "pip": _by_table,
            "uv": self._uv,
            "uvx": self._uvx,
            "alembic": _by_table,
            **dict.fromkeys(("copier", "mkdocs", "mypy", "ruff", "pytest"), _by_help),
            "app": self._app,
            "ops": self._ops,
            "sampan": _sampan,
        }

    def faults(self, every: list[Command]) -> list[str]:
        """One line a command that is wrong."""
        found = [f"{each.document}: {' '.join(each.words)}: {fault}" for each in every if (fault := self._fault(each, each.words))]
        return found + [f"{' '.join(words)}: {fault}" for words, fault in self._parsed()]

    def _fault(self, command: Command, words: tuple[str, ...]) -> str:
        first = words[0]
        if first in BUILTINS or "=" in first:
            return ""
        if first in self.by_tool:
            return self.by_tool[first](command, words)
        if "/" in first and (self.project / first).is_file():
            return ""
        return "nothing here knows it"

    def _uv(self, command: Command, words: tuple[str, ...]) -> str:
        rest = list(words[1:])
        if rest[0] != "run":
            return _by_help(command, words)
        rest.pop(0)
        while rest and rest[0].startswith("-"):
            if rest.pop(0) == "--group":
                group = rest.pop(0)
                if f"{group} = [" not in (self.project / "pyproject.toml").read_text(encoding="utf-8"):
                    return f"there is no group {group}"
        return self._fault(command, tuple(rest)) if rest else "uv run what?"

    def _uvx(self, command: Command, words: tuple[str, ...]) -> str:
        return self._fault(command, words[3:]) if words[1] == "--from" and words[3:] else "uvx --from where, to run what?"

    def _ops(self, command: Command, words: tuple[str, ...]) -> str:
        # Text may name only the command; a line in a code block has all arguments.
        rest = words[1:]
        if command.block or any(word.startswith("-") or word in ("dev", "production") for word in rest):
            self.operations.add(rest)
        else:
            self.operations.add((*rest, "--help"))
        return ""

    def _app(self, _command: Command, words: tuple[str, ...]) -> str:
        """The service's own command needs the service's packages: its source says which commands and options there are."""
        modules = [self.project / "src/app/cli.py", *(self.project / "src/app").glob("*/commands.py")]
        sources = "\n".join(path.read_text(encoding="utf-8") for path in modules)
        for name in [word for word in words[1:] if not word.startswith("-") and not word.isdigit()][:1]:
            if not re.search(rf'name="{name}"|def {name.replace("-", "_")}\(', sources):
                return f"there is no command {name}"
        options = {word.partition("=")[0] for word in words if word.startswith("--")} - {"--help"}
        unknown = sorted(each for each in options if f'"{each}"' not in sources and f"{each[2:].replace('-', '_')}:" not in sources)
        return f"unknown options {', '.join(unknown)}" if unknown else ""

    def _parsed(self) -> Iterator[tuple[tuple[str, ...], str]]:
        run = subprocess.run(
            [sys.executable, "-c", _PARSE],
            input=json.dumps(sorted(self.operations)),
            env={"PYTHONPATH": str(self.project / "ops/src"), "PATH": "", "TERM": "dumb", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        yield from ((("ops", *words), fault) for words, fault in map(json.loads, run.stdout.splitlines()))

    def _kubectl(self, command: Command, words: tuple[str, ...]) -> str:
        if not command.block and len(words) == 2:
            # The sentence names a kind of command, not one to run.
            return ""
        if not any(word.startswith("--kubeconfig") for word in words):
            return "depends on the current kubectl context"
        named = [word for word in words[1:] if not word.startswith("-") and not word.endswith(".json")]
        text = help_of(required("kubectl"), named[0], "--help") + help_of(required("kubectl"), "options")
        return _unknown_options(words, text)

    def _aws(self, _command: Command, words: tuple[str, ...]) -> str:
        service, operation, *rest = words[1:]
        model = _model(service)
        if model is None:
            return f"AWS has no service {service}"
        if operation == "wait":
            return "" if rest[0].replace("-", "_") in model.waiter_names else f"there is no waiter {rest[0]}"
        names = {_dashed(name): name for name in model.meta.service_model.operation_names}
        if operation not in names:
            return f"{service} has no {operation}"
        shape = model.meta.service_model.operation_model(names[operation]).input_shape
        known = {f"--{_dashed(name)}" for name in (shape.members if shape else {})}
        known |= {each.replace("--", "--no-", 1) for each in known} | {"--region", "--query", "--output", "--profile"}
        unknown = {word.partition("=")[0] for word in rest if word.startswith("--")} - known
        return f"{operation} has no {', '.join(sorted(unknown))}" if unknown else ""


TABLE = {
    # https://alembic.sqlalchemy.org/en/latest/api/commands.html
    ("alembic", "revision"): {"--autogenerate", "--message", "-m"},
    # https://curl.se/docs/manpage.html
    ("curl",): {"-f", "-o", "-s", "-w"},
    # https://docs.docker.com/reference/cli/docker/compose/up/
    ("docker", "compose", "up"): {"--build", "--detach", "-d", "--wait", "--watch", "-w"},
    ("docker", "compose", "down"): {"--volumes", "-v"},
    # https://pip.pypa.io/en/stable/cli/pip_install/
    ("pip", "install"): {"-e", "-q"},
    # https://cli.github.com/manual/gh_api and gh_auth_login
    ("gh", "api"): {"--field", "-f", "-F", "--jq", "-q", "--method", "-X", "--paginate"},
    # https://cli.github.com/manual/gh_repo_create and gh_run_watch
    ("gh", "repo", "create"): {"--internal", "--private", "--public", "--push", "--remote", "-r", "--source", "-s"},
    ("gh", "run", "watch"): {"--compact", "--exit-status", "--interval", "-i"},
    ("gh", "auth", "login"): {"--hostname", "-h", "--scopes", "-s", "--web", "-w"},
}
"""Commands and options of tools that are not on every machine, as far as the documents need them."""


def _by_table(_command: Command, words: tuple[str, ...]) -> str:
    for names, options in TABLE.items():
        if words[: len(names)] == names:
            return _unknown_options(words, " ".join(sorted(options)))
    return "nothing here knows it"


def _sampan(_command: Command, words: tuple[str, ...]) -> str:
    """The template's own command line says itself which commands and options it has."""
    found: Any = typer.main.get_command(app)
    rest = list(words[1:])
    while rest and rest[0] in getattr(found, "commands", {}):
        found = found.commands[rest.pop(0)]
    if hasattr(found, "commands") and rest and not rest[0].startswith("-"):
        return f"there is no command {rest[0]}"
    return _unknown_options(words, " ".join(option for parameter in found.params for option in parameter.opts) + " --help")


OMITTED: dict[tuple[str, ...], str] = {("git", "diff"): "--diff-filter"}
"""Options that a program's short help leaves out. https://git-scm.com/docs/git-diff"""


def _by_help(_command: Command, words: tuple[str, ...]) -> str:
    """A tool that is here is asked for the options of its subcommand."""
    tool, *rest = words
    names = [] if tool in ("mypy", "pytest") else rest[: 2 if words[:2] == ("uv", "tool") else 1]
    if tool in ("git", "terraform", "uv"):
        text = help_of(required(tool), *names, {"git": "-h", "terraform": "-help", "uv": "--help"}[tool])
    else:
        text = help_of(sys.executable, "-m", tool, *names, "--help")
    subcommand = " ".join(names) if names else tool
    if subcommand not in text:
        return f"{tool} has no {subcommand}"
    return _unknown_options(words, text + OMITTED.get(words[:2], ""))


@functools.cache
def help_of(*words: str) -> str:
    """Return a program's help text. Git ends with 129 and says it on either stream."""
    run = subprocess.run(list(words), capture_output=True, text=True, check=False)
    return run.stdout + (run.stderr if run.returncode == GIT_USAGE else "")


GIT_USAGE = 129


def _unknown_options(words: tuple[str, ...], text: str) -> str:
    options = {word.partition("=")[0] for word in words if word.startswith("-")}
    # `-rP` is `-r` with a value.
    options = {option[:2] if re.fullmatch(r"-[a-zA-Z]{2}", option) else option for option in options}
    unknown = sorted(option for option in options if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text))
    return f"unknown options {', '.join(unknown)}" if unknown else ""


@functools.cache
def _model(service: str):  # type: ignore[no-untyped-def]  # noqa: ANN202  boto3 carries no types
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  carries no types

    session = boto3.Session(region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")  # noqa: S106  no secret
    return session.client(service) if service in session.get_available_services() else None


def _dashed(name: str) -> str:
    from botocore import xform_name  # type: ignore[import-untyped]  # noqa: PLC0415  carries no types

    return str(xform_name(name, "-"))
