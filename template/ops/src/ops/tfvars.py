"""Values of Terraform's variables, read from the flat files of infra/environments."""

import json
import re
from pathlib import Path
from typing import Any

_ASSIGNMENT = re.compile(r"^(\w+)\s*=\s*(.*)$")
_COMMENT = re.compile(r"^\s*(#|//).*$|\s+#[^\"]*$")


def read(project: Path, environment: str, root: str) -> dict[str, Any]:
    """The values that a root gets in an environment; later files win, as with Terraform. Missing files have none."""
    folder = project / "infra" / "environments"
    stem = f"{environment}.{root}" if environment else root
    paths = [folder / f"{stem}.tfvars", *sorted(folder.glob(f"{stem}.*.tfvars"))]
    if not environment:
        paths.append(folder / "github.tfvars")
    values: dict[str, Any] = {}
    for path in paths:
        if path.is_file():
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


def replace(path: Path, name: str, value: str | bool) -> None:
    """Set a variable that the file already assigns, and leave every other byte."""
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(rf"(?m)^({name}\s*=\s*).*$", rf"\g<1>{json.dumps(value)}", text), encoding="utf-8")


def _value(text: str) -> Any:
    try:
        return json.loads(re.sub(r",\s*\]$", "]", text))
    except ValueError:
        return text
