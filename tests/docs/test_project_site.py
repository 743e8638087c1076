"""A rendered project's documents build as a site: strictly, with every page in the navigation, and from no other host."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.docs import site
from tests.generator.test_removal import EVERYTHING
from tests.harness import Renderer

PROFILES: dict[str, dict[str, Any]] = {
    "startup": {},
    "join": {"platform": "join", "off_hours_shutdown": "none", "spot": False},
    "sandbox": {"profile": "sandbox"},
    "production": {"profile": "production", "domain": "shop.example.com"},
    "regulated": {"profile": "regulated", "domain": "shop.example.com"},
    "everything": EVERYTHING,
}
QUICK = ("startup", "join")
"""The others differ from these in the pages that are there."""


@pytest.mark.parametrize("profile", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in PROFILES])
def test_the_documents_build_as_a_site(profile: str, render: Renderer, tmp_path: Path) -> None:
    project = render(PROFILES[profile])
    site.build(project, tmp_path / "site")
    assert list(site.faults(tmp_path / "site")) == []
    built = {page.parent.relative_to(tmp_path / "site").as_posix() for page in (tmp_path / "site").rglob("index.html")}
    documents = {page.relative_to(project / "docs").with_suffix("").as_posix() for page in (project / "docs").rglob("*.md")}
    readmes = {page.parent.relative_to(project).as_posix() for page in project.rglob("README.md")}
    assert documents | readmes <= built


def test_a_file_that_is_no_page_is_read_in_the_repository(render: Renderer, tmp_path: Path) -> None:
    site.build(render({"github_owner": "acme", "service": "shop"}), tmp_path / "site")
    page = (tmp_path / "site/compliance/index.html").read_text(encoding="utf-8")
    assert 'href="https://github.com/acme/shop/blob/main/infra/modules/secrets/main.tf"' in page
    assert 'href="../decisions/login-security/"' in page


def test_the_sites_packages_are_not_installed_with_the_project(render: Renderer) -> None:
    groups = tomllib.loads((render({}) / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    assert groups["docs"] == ["mkdocs-material>=9.8"]
    assert not any("mkdocs" in str(line) or line == {"include-group": "docs"} for line in groups["dev"])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[gone](gone.md)", "gone.md"),
        ("[gone](capacity.md#gone)", "does not contain an anchor '#gone'"),
        ("![A picture](gone.svg)", "gone.svg"),
    ],
)
def test_a_dead_link_fails_the_build(text: str, fault: str, render: Renderer, tmp_path: Path) -> None:
    project = render.workspace(tmp_path / "project")
    (project / "docs/roadmap.md").write_text(f"# Roadmap\n\n{text}\n", encoding="utf-8")
    with pytest.raises(site.BuildError, match=fault):
        site.build(project, tmp_path / "site")


PAGE = """<!doctype html><body><nav><a class="md-nav__link" href=".">Home</a><a class="md-nav__link" href="other/">Other</a></nav>
<h1 id="home">Home</h1><p>Text.</p>{}</body>"""


@pytest.mark.parametrize(
    ("markup", "fault"),
    [
        ('<a href="nowhere/">x</a>', "nowhere/ leads nowhere"),
        ('<a href="other/#gone">x</a>', "other/#gone has no such heading"),
        ('<img src="gone.png" alt="x">', "gone.png does not exist"),
        ('<img src="other/index.html" alt="">', "has no description"),
        ('<script src="https://unpkg.com/mermaid"></script>', "is loaded from another host"),
        ('<link rel="stylesheet" href="https://fonts.googleapis.com/css">', "is loaded from another host"),
        ('<link rel="preconnect" href="//fonts.gstatic.com">', "is loaded from another host"),
        ("<p>First:\n- one\n- two</p>", "unread markup"),
        ("<p>See [this](that.md).</p>", "unread markup"),
    ],
)
def test_a_fault_of_a_built_page_is_found(markup: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/index.html").write_text("<p>Other.</p>", encoding="utf-8")
    (tmp_path / "index.html").write_text(PAGE.format(""), encoding="utf-8")
    assert list(site.faults(tmp_path)) == []
    (tmp_path / "index.html").write_text(PAGE.format(markup), encoding="utf-8")
    (found,) = site.faults(tmp_path)
    assert fault in found


def test_a_page_outside_the_navigation_and_an_empty_site_are_found(tmp_path: Path) -> None:
    assert list(site.faults(tmp_path)) == ["the site has no pages"]
    (tmp_path / "index.html").write_text(PAGE.format("").replace("other/", "."), encoding="utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/index.html").write_text("<p>Other.</p>", encoding="utf-8")
    assert list(site.faults(tmp_path)) == ["other/index.html is not in the navigation"]
