"""The rendered project's own Terraform tests pass, and hold every refusal that its code states."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hcl2
import pytest

from tests.harness import ROOT, Renderer, required
from tests.infrastructure.emulator import Emulator
from tests.infrastructure.terraform import AT_ONCE, OVERRIDE, init_arguments, terraform_environment
from tests.infrastructure.variants import EVERYTHING, VARIANTS

MODULES = sorted(path.parent.name for path in (ROOT / "template/infra/modules").glob("*/tests"))
ROOTS = ["bootstrap", "platform", "service"]
JOINED = "joined"
"""The service's root in a project that runs on another's platform."""

FOLDERS = [*ROOTS, JOINED, *(f"modules/{name}" for name in MODULES)]
Runs = Callable[[str], Future["subprocess.CompletedProcess[str]"]]


def blocks(body: dict[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Blocks of a kind with their address: `name` or `type.name`."""
    for entry in body.get(kind, []):
        for label, inner in entry.items():
            if kind in {"resource", "data"}:
                for name, block in inner.items():
                    address = f"{label}.{name}".replace('"', "")
                    yield (f"data.{address}" if kind == "data" else address), block
            else:
                yield label.replace('"', ""), inner


def refusals(folder: Path) -> Counter[str]:
    """How many validations, conditions and checks each object of a root or module has."""
    found: Counter[str] = Counter()
    for path in folder.glob("*.tf"):
        body = hcl2.loads(path.read_text(encoding="utf-8"))
        for name, block in blocks(body, "variable"):
            found[f"var.{name}"] += len(block.get("validation", []))
        for kind in ("resource", "data"):
            for address, block in blocks(body, kind):
                for lifecycle in block.get("lifecycle", []):
                    found[address] += len(lifecycle.get("precondition", [])) + len(lifecycle.get("postcondition", []))
        for name, block in blocks(body, "check"):
            found[f"check.{name}"] += len(block.get("assert", []))
    return +found


def expected(folder: Path) -> Counter[str]:
    """How many runs expect each object to fail."""
    found: Counter[str] = Counter()
    for path in folder.glob("tests/*.tftest.hcl"):
        for names in re.findall(r"expect_failures = \[(.*?)\]", path.read_text(encoding="utf-8"), re.DOTALL):
            found.update(name.strip() for name in names.split(",") if name.strip())
    return found


@pytest.fixture(scope="module")
def runs(aws: Emulator, render: Renderer, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """`terraform test` of every folder that is asked for, under way two at a time."""
    binary = required("terraform")
    infra = tmp_path_factory.mktemp("native") / "infra"
    shutil.copytree(render(VARIANTS[EVERYTHING]) / "infra", infra)
    joined = infra.with_name("joined")
    shutil.copytree(render(VARIANTS["joined"]) / "infra", joined)
    for service in (infra / "service", joined / "service"):
        (service / "zz_emulator_override.tf").write_text(OVERRIDE, encoding="utf-8")
    environment = terraform_environment(aws.environment())

    def test(folder: str) -> "subprocess.CompletedProcess[str]":
        for arguments in ([*init_arguments(), "-backend=false"], ["test", "-no-color"]):
            command = [binary, f"-chdir={joined / 'service' if folder == JOINED else infra / folder}", *arguments]
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
            if done.returncode:
                break
        return done

    asked = {item.name for item in request.session.items}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {folder: pool.submit(test, folder) for folder in FOLDERS if f"test_it_passes[{folder}]" in asked}.__getitem__


@pytest.mark.parametrize("folder", [pytest.param(name, marks=() if name in {*ROOTS, JOINED} else pytest.mark.slow) for name in FOLDERS])
def test_it_passes(folder: str, runs: Runs) -> None:
    done = runs(folder).result()
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"Success! (\d+) passed, 0 failed", done.stdout)
    assert passed
    assert int(passed[1]) >= 1


def test_every_refusal_has_a_run_that_expects_it(render: Renderer) -> None:
    everything, joined = (render(VARIANTS[variant]) / "infra" for variant in (EVERYTHING, "joined"))
    folders = [*(everything / root for root in ROOTS), joined / "service", *everything.glob("modules/*")]
    stated = {folder: refusals(folder) for folder in folders}
    assert sum(map(Counter.total, stated.values())) > 80
    missing = {folder: dict(counts - expected(folder)) for folder, counts in stated.items()}
    assert {folder: counts for folder, counts in missing.items() if counts} == {}
