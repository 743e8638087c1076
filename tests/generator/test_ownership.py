"""File ownership: the map in a rendered project matches the behaviour of an update."""

import json
from pathlib import Path

import yaml

from tests.harness import ROOT, Renderer


def ownership(project: Path) -> dict[str, list[str]]:
    """Patterns by kind of file."""
    loaded: dict[str, list[str]] = json.loads((project / "docs/ownership.json").read_text(encoding="utf-8"))
    assert (project / str(loaded.pop("answers"))).is_file()
    return loaded


def test_seeded_files_are_those_that_copier_skips(render: Renderer) -> None:
    skipped = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))["_skip_if_exists"]
    owned = ownership(render())
    assert sorted(f"/{pattern}" for pattern in owned["seeded"] + owned["yours"]) == sorted(skipped)


def test_every_pattern_matches_a_file(render: Renderer) -> None:
    project = render()
    for kind, patterns in ownership(project).items():
        for pattern in patterns:
            assert list(project.glob(pattern)), f"{kind}: {pattern}"


def test_the_sample_is_the_projects_own_when_it_is_there(render: Renderer) -> None:
    assert "src/app/products" in ownership(render())["yours"]
    assert ownership(render({"sample": False}))["yours"] == []


def test_the_page_names_the_same_files(render: Renderer) -> None:
    page = (render() / "docs/ownership.md").read_text(encoding="utf-8")
    kinds = ownership(render())
    for pattern in kinds["shared"] + kinds["seeded"]:
        assert pattern.rsplit("/", 1)[-1] in page, pattern
