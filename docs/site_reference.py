"""Reference pages of the site, made from the sources at each build: they cannot be out of date."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

OPERATIONS_HEAD: Final = """\
# The command `ops`

`ops` operates a project: infrastructure, releases, add-ons and drills of each environment. Run it in a project's folder, as `uv run ops`.

Every command names its environment, uses the AWS credentials of the shell, and reaches the cluster through a kubeconfig of its own.

| Exit status | Meaning |
|---|---|
| 0 | success |
| 1 | the command failed or found an error |
| 2 | wrong usage |
| 3 | `ops up` needs a person |
| 130 | interrupted, and safe to run again |

A project has the commands of its answers: `ops canary` comes with `delivery=canary`, `ops addons` with a platform of its own.
"""
FILES_HEAD: Final = """\
# Files by answer

A project contains the files of its answers and no others. Each section names the files that exist only with an answer, and the files
that exist only without it. `*` stands for an environment or for part of a name.
"""
ALARMS_HEAD: Final = """\
# Alarms

Every alarm of a project, and its runbook. A project has the alarms of its answers: see [Files by answer](files.md).
[Observability](../project/observability.md) explains thresholds, composite alarms and objectives.

| Alarm | Title | Meaning |
|---|---|---|
"""


API_HEAD: Final = """\
# API

Every operation of a service with the default answers, by the part that it belongs to. The paths follow the answer `route_prefix`, `/api`
unless you choose another.

A running `uv run app dev` shows the same operations at `/docs`, with parameters, bodies and problems, and serves the OpenAPI document at
`/openapi.json`. [The products API](../project/products.md) shows requests to try.
"""
METHODS: Final = ("get", "post", "put", "patch", "delete")


def pages(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the address and the Markdown text of each page."""
    yield "reference/ops.md", operations(commands(root / "template/ops/src"))
    yield "reference/files.md", files(root)
    yield "reference/alarms.md", alarms(root)
    yield "reference/api.md", api(operations_of(root / "template/src/app"))


def commands(source: Path) -> list[dict[str, Any]]:
    """Return the commands of `ops`, as the program itself describes them."""
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("site_commands.py"))],
        env={**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    found: list[dict[str, Any]] = json.loads(run.stdout)
    return found


def operations(described: list[dict[str, Any]]) -> str:
    """Return the reference of `ops`."""
    parts = [OPERATIONS_HEAD]
    for each in described:
        parts.append(f"## `{each['name']}`\n\n{_prose(each['help'])}\n\n```text\nuv run {each['name']} {_usage(each['usage'])}\n```\n")
        for title, rows in ("Argument", each["arguments"]), ("Option", each["options"]):
            if any(row["help"] for row in rows):
                lines = [f"| {row['name']} | {_cell(row['help'])} |" for row in rows]
                parts.append(f"| {title} | Effect |\n|---|---|\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def files(root: Path) -> str:
    """Return the files that each answer brings or removes."""
    table = yaml.safe_load((root / "extensions/catalogue/options.yaml").read_text(encoding="utf-8"))
    source = (root / "extensions/options.jinja").read_text(encoding="utf-8")
    conditions = re.findall(r"^  '(\w+)': (\w+) \| default\(.*?\)(?: (==|!=) ('[^']*'))?,$", source, re.MULTILINE)
    parts = [FILES_HEAD]
    for option, question, operator, value in conditions:
        answer = f"{question}={value.strip(chr(39))}" if operator == "==" else f"{question}=yes" if not operator else question
        parts.append(f"## `{answer}`\n")
        for title, row in ("Only with it", f"{option}.files"), ("Only without it", f"no_{option}.files"):
            if names := (table[row] or "").split():
                parts.append(f"{title}:\n\n" + "\n".join(f"- `{name}`" for name in sorted(names)) + "\n")
    return "\n".join(parts)


def alarms(root: Path) -> str:
    """Return the alarms, from their runbooks."""
    rows = []
    for path in sorted((root / "template/docs/runbooks/alarms").glob("*.md")):
        heading, _, rest = path.read_text(encoding="utf-8").partition("\n")
        meaning = " ".join(rest.strip().split("\n\n")[0].split())
        rows.append(f"| [`{path.stem}`](../project/runbooks/alarms/{path.name}) | {heading.removeprefix('# ')} | {meaning} |")
    return ALARMS_HEAD + "\n".join(rows) + "\n"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the service's API."""

    tag: str
    method: str
    path: str
    summary: str


def operations_of(source: Path) -> list[Operation]:
    """Return the operations that the routes of the service declare, read without importing them."""
    return [found for path in sorted(source.rglob("*routes.py")) for found in _declared(ast.parse(path.read_text(encoding="utf-8")))]


def api(operations: list[Operation]) -> str:
    """Return the reference of the API."""
    parts = [API_HEAD]
    for tag in sorted({operation.tag for operation in operations}):
        rows = [f"| `{each.method}` | `{each.path}` | {each.summary} |\n" for each in operations if each.tag == tag]
        parts.append(f"## {tag.capitalize()}\n\n| Method | Path | Effect |\n|---|---|---|\n{''.join(rows)}")
    return "\n".join(parts)


def _declared(module: ast.Module) -> Iterator[Operation]:
    router: dict[str, Any] = {}
    for node in module.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "APIRouter":
            router = {each.arg: each.value for each in node.value.keywords if each.arg}
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and not _hidden(router):
            summary = (ast.get_docstring(node) or node.name).partition("\n\n")[0]
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and getattr(decorator.func, "attr", "") in METHODS:
                    path = ast.literal_eval(router["prefix"]) + ast.literal_eval(decorator.args[0])
                    (tag,) = ast.literal_eval(router["tags"])
                    method = getattr(decorator.func, "attr", "").upper()
                    yield Operation(tag, method, re.sub(r"{(\w+):\w+}", r"{\1}", path), _cell(summary))


def _hidden(router: dict[str, Any]) -> bool:
    """Whether the OpenAPI document leaves a router out."""
    return "include_in_schema" in router and not ast.literal_eval(router["include_in_schema"])


def _usage(text: str) -> str:
    return re.sub(r"{(\w+)}", r"\1", text)


def _prose(text: str) -> str:
    return text.replace("\b", "").strip()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
