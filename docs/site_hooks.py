"""Hooks of MkDocs for Sampan's own site: the pages of a rendered project, and the reference pages made from the sources.

The project is the tutorial's, rendered anew for each build. Pages that stand only with an option that it lacks come from template/.
"""

import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from sampan import rendering

ROOT: Final = Path(__file__).resolve().parents[1]
TEMPLATE: Final = ROOT / "template"
sys.path[:0] = [str(ROOT / "docs"), str(TEMPLATE / "docs")]

import mkdocs_hooks as project_hooks  # noqa: E402  it is in the template
import site_reference as reference  # noqa: E402  it is beside this module

ANSWERS: Final = {"project_name": "Shop", "service": "shop"}
PREFIX: Final = "project"
HERE: Final = "./"
MOUNTED: Final = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
    "template/docs/site.css": "site.css",
    "extensions/sampan/web/static/icon.svg": "images/icon.svg",
}
NOTE: Final = """\
!!! note "From a project"
    This page is part of each project's own documentation. Here it belongs to the project of the tutorial, with the default answers.

"""
OPTION_NOTE: Final = """\
!!! note "From a project"
    This page is part of a project's own documentation if the answers need it.

"""

_folder: Final = tempfile.TemporaryDirectory(prefix="sampan-site-")
_project: Final = Path(_folder.name) / "shop"


def on_config(config: MkDocsConfig) -> None:
    """Render the project that the pages describe."""
    project_hooks.on_config(config)
    if not _project.exists():
        rendering.render(str(ROOT), _project, ANSWERS, ref="HEAD")


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages that are not in docs/, and write out the folders of the navigation."""
    for name, uri in MOUNTED.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / name)))
    for source, uri in _of_the_project():
        files.append(File.generated(config, f"{PREFIX}/{uri}", abs_src_path=str(source)))
    for uri, text in reference.pages(ROOT):
        files.append(File.generated(config, uri, content=text))
    project_hooks.add_indexes(files, config, f"{PREFIX}/")
    navigation: list[Any] = config.nav or []
    config.nav = _expanded(navigation, files, set(_named(navigation)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links between files into links between pages, and say where a page comes from."""
    pages = project_hooks.pages_of(files, config)
    for source, uri in list(pages.items()):
        if source.is_relative_to(_project):
            copied = TEMPLATE / source.relative_to(_project)
            pages |= {copied: uri, copied.with_name(f"{copied.name}.jinja"): uri}
    text = project_hooks.rewritten(markdown, page, pages, _elsewhere)
    source = Path(page.file.abs_src_path or "/")
    if source.is_relative_to(_project) or source.is_relative_to(TEMPLATE):
        heading, _, rest = text.partition("\n")
        text = f"{heading}\n\n{NOTE if source.is_relative_to(_project) else OPTION_NOTE}{rest}"
    return text


def _of_the_project() -> Iterator[tuple[Path, str]]:
    found = project_hooks.readmes(_project)
    for path in sorted((_project / "docs").rglob("*")):
        if path.is_file() and path.suffix not in (".css", ".py", ".yml"):
            found[path] = path.relative_to(_project / "docs").as_posix()
    uris = set(found.values())
    for path in sorted((TEMPLATE / "docs").rglob("*.md")):
        uri = path.relative_to(TEMPLATE / "docs").as_posix()
        if uri not in uris:
            found[path] = uri
    yield from found.items()


def _elsewhere(text: str, target: Path) -> str:
    for root, where in (_project, "In your project"), (TEMPLATE, "In your project"), (ROOT, "In the repository of the template"):
        if target.is_relative_to(root):
            path = target.relative_to(root).as_posix().removesuffix(".jinja")
            return f'<span class="in-project" title="{where}: {escape(path)}">{text}</span>'
    message = f"{target} is outside the repository"
    raise ValueError(message)


def _named(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            yield from _named(value) if isinstance(value, list) else [value]


def _expanded(entries: list[Any], files: Files, named: set[str]) -> list[Any]:
    """Replace each entry `folder/` by its pages that the navigation does not name itself, folders within it left to their own entry."""
    found: list[Any] = []
    for entry in entries:
        if isinstance(entry, str):
            found += _pages(entry, files, named) if entry.endswith("/") else [entry]
            continue
        for title, value in entry.items():
            if isinstance(value, list):
                found.append({title: _expanded(value, files, named)})
            else:
                found.append({title: _pages(value, files, named) if value.endswith("/") else value})
    return found


def _pages(folder: str, files: Files, named: set[str]) -> list[str]:
    deeper = {name for name in named if name.endswith("/") and name.startswith(folder) and name != folder}
    inside = [
        file
        for file in files.documentation_pages()
        if (file.src_uri.startswith(folder) or (folder == HERE and "/" not in file.src_uri))
        and file.src_uri not in named
        and not any(file.src_uri.startswith(name) for name in deeper)
    ]
    ordered = sorted(inside, key=lambda file: (file.name != "index", project_hooks.title(file)))
    return [file.src_uri for file in ordered]
