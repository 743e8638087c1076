"""docs/deployment.md shows the outputs of a first deployment: a run on the emulated AWS prints each line of them."""

import re
import sys
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from tests.harness import ROOT, Renderer
from tests.operations.world import World, world_of

PAGE = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
SHOWN = dict(re.findall(r"<!-- from a run: (.+?) -->\n```text\n(.*?)\n```", PAGE, re.DOTALL))
FILES = re.findall(r"^In `([^`]+)`(?:[^\n]+\n)+\n```(?:ini|hcl)\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
ANSWERS = {"project_name": "Shop", "service": "shop", "github_owner": "acme"}
PERSON = 3


def unprinted(shown: str, printed: list[str]) -> list[str]:
    """Return the lines of the page that no line of a run equals, in their order; `...` stands for lines that the page leaves out."""
    rest = iter(printed)
    return [line for line in shown.splitlines() if line != "..." and line not in rest]


def fill_in(world: World) -> None:
    """Write what the page tells the reader to write."""
    for name, text in FILES:
        path = world.project / name
        kept = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("cluster_admin_role_arns")]
        path.write_text("\n".join([*kept, text]), encoding="utf-8")


@pytest.mark.slow
def test_the_outputs_of_the_tutorial_are_those_of_a_run(render: Renderer, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert [name for name, _ in FILES] == ["deploy/overlays/dev/settings.env", "infra/environments/dev.platform.local.tfvars"]
    printed = {}
    # A terminal shows both standard output and standard error.
    with world_of(render, tmp_path, ANSWERS) as world, redirect_stderr(sys.stdout):
        assert world.ops("doctor", "dev") == 1
        printed["doctor"] = capfd.readouterr().out
        fill_in(world)
        assert world.ops("up", "dev", "--yes") == PERSON
        printed["first up"] = capfd.readouterr().out
        world.push_images()
        assert world.ops("up", "dev", "--yes") == 0
        printed["last up"] = capfd.readouterr().out
    assert set(SHOWN) == set(printed)
    assert [line for name, shown in SHOWN.items() for line in unprinted(shown, printed[name].splitlines())] == []


def test_a_line_that_no_run_prints_is_found() -> None:
    assert unprinted("one\n...\nthree", ["one", "two", "three"]) == []
    assert unprinted("one\n...\nfour", ["one", "two", "three"]) == ["four"]
    assert unprinted("three\none", ["one", "two", "three"]) == ["one"]
