"""The Backstage template passes Backstage's own validators, in the newest release of the packages that hold its published schemas."""

import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from sampan import backstage
from tests.harness import ROOT, required

PACKAGES: Final = ("@backstage/catalog-model", "@backstage/plugin-scaffolder-common")
Entity = dict[str, Any]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Backstage's packages."""
    folder = tmp_path_factory.mktemp("backstage")
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--prefix", str(folder))
    done = subprocess.run([required("npm"), "install", *options, *PACKAGES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def verdicts(installed: Path, entities: list[Entity]) -> list[str]:
    """Backstage's verdict on each entity."""
    command = [required("node"), str(ROOT / "tests/cli/backstage.cjs")]
    done = subprocess.run(command, cwd=installed, input=json.dumps(entities), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def put(*path: Any, value: Any) -> Callable[[Entity], None]:
    def change(entity: Entity) -> None:
        *parents, last = path
        inner: Any = entity
        for part in parents:
            inner = inner[part]
        inner[last] = value

    return change


BREAKS: Final[dict[str, tuple[Callable[[Entity], None], str]]] = {
    "step": (put("spec", "steps", 0, value={"id": "render"}), "/spec/steps/0 must have required property 'action'"),
    "name": (put("metadata", "name", value="FastAPI service"), '"metadata.name" is not valid'),
    "tag": (put("metadata", "tags", 0, value="FastAPI"), '"tags.0" is not valid'),
    "kind": (put("kind", value="Component"), "of another kind"),
    "version": (put("apiVersion", value="scaffolder.backstage.io/v1"), "of another kind"),
    "field": (put("questions", value={}), "must NOT have additional properties"),
}
"""A break each, and what Backstage says of it."""


@pytest.mark.slow
def test_backstage_takes_the_template_and_no_broken_one(installed: Path) -> None:
    good = backstage.template("https://github.com/acme/sampan")
    broken = [copy.deepcopy(good) for _ in BREAKS]
    for entity, (change, _) in zip(broken, BREAKS.values(), strict=True):
        change(entity)
    said, *refusals = verdicts(installed, [good, *broken])
    assert said == "a template"
    for name, (_, words), refusal in zip(BREAKS, BREAKS.values(), refusals, strict=True):
        assert words in refusal, name
