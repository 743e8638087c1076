"""Values of Terraform's variables, read from the flat files of infra/environments."""

import json
import re
from pathlib import Path
from typing import Any

_ASSIGNMENT = re.compile(r"^(\w+)\s*=\s*(.*)$")
_COMMENT = re.compile(r"^\s*(#|//).*$|\s+#[^\"]*$")


def local_file(project: Path, environment: str, root: str) -> Path:
    """Return the team's own file of a root's variables, which no release of the template changes."""
    return _folder(project) / f"{_stem(environment, root)}.local.tfvars"


def files(project: Path, environment: str, root: str) -> list[Path]:
    """Return the files of a root's variables in Terraform's order: the local file is last and takes precedence."""
    folder, stem = _folder(project), _stem(environment, root)
    local = local_file(project, environment, root)
    paths = [folder / f"{stem}.tfvars", *sorted(set(folder.glob(f"{stem}.*.tfvars")) - {local})]
    if not environment:
        paths.append(folder / "github.tfvars")
    return [path for path in (*paths, local) if path.is_file()]


def read(project: Path, environment: str, root: str) -> dict[str, Any]:
    """Return the values of a root's variables in an environment. Later files take precedence, as with Terraform."""
    values: dict[str, Any] = {}
    for path in files(project, environment, root):
        values |= parse(path.read_text(encoding="utf-8"))
    return values


def parse(text: str) -> dict[str, Any]:
    """Assignments of strings, numbers, booleans and lists. Other values are left as text."""
    values: dict[str, Any] = {}
    name, pending = "", ""
    for line in text.splitlines():
        bare = _COMMENT.sub("", line)
        if not pending:
            if not (found := _ASSIGNMENT.match(bare.strip())):
                continue
            name, bare = found[1], found[2]
        pending += bare
        if pending.count("[") <= pending.count("]"):
            values[name], pending = _value(pending.strip()), ""
    return values


def assign(path: Path, name: str, value: str | bool) -> None:
    """Set a variable in its line, or in a new line at the end, without any other change."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    line = f"{name} = {json.dumps(value)}\n"
    changed, found = re.subn(rf"(?m)^({name}\s*=\s*).*$", rf"\g<1>{json.dumps(value)}", text)
    path.write_text(changed if found else f"{text.rstrip()}\n{line}".lstrip(), encoding="utf-8")


def _folder(project: Path) -> Path:
    return project / "infra" / "environments"


def _stem(environment: str, root: str) -> str:
    return f"{environment}.{root}" if environment else root


def _value(text: str) -> Any:
    try:
        return json.loads(re.sub(r",\s*\]$", "]", text))
    except ValueError:
        return text
