"""Hooks of MkDocs: pages made of what is not in docs/, and links that work on GitHub and on the site.

The README of a folder is a page. A folder without an index gets a list of its pages. Links to other files lead to the
repository, whose URL is `extra.repository` of mkdocs.yml.
"""

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from posixpath import relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pymdownx.slugs import slugify

_CODE = re.compile(r"(^ *```.*?^ *```|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!\w+:|#|/)([^)#\s]*)(#[^)\s]*)?\)")
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
_PLACEHOLDER = "\x00{}\x00"


def on_config(config: MkDocsConfig) -> None:
    """Give headings the anchors that they have on GitHub."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = slugify(case="lower")


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages that are made of something else."""
    root = Path(config.docs_dir).parent
    for readme, uri in readmes(root).items():
        files.append(File.generated(config, uri, abs_src_path=str(readme)))
    add_indexes(files, config)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links between files into links between pages."""
    root = Path(config.docs_dir).parent
    repository = config.extra["repository"]

    def elsewhere(text: str, target: Path) -> str:
        kind = "tree" if target.is_dir() else "blob"
        return f"[{text}]({repository}/{kind}/main/{target.relative_to(root).as_posix()})"

    return rewritten(markdown, page, pages_of(files, config), elsewhere)


def readmes(root: Path) -> dict[Path, str]:
    """Return the README files of a project and of its folders, each with the address of its page."""
    found = {root / "README.md": "index.md"}
    for readme in sorted([*root.glob("*/README.md"), *root.glob("*/*/README.md")]):
        folder = readme.parent.relative_to(root)
        if folder.parts[0] != "docs" and not any(part.startswith(".") for part in folder.parts):
            found[readme] = f"{folder.as_posix()}.md"
    return found


def add_indexes(files: Files, config: MkDocsConfig, within: str = "") -> None:
    """Add an index to each folder of pages that has none."""
    folders: dict[PurePosixPath, list[File]] = {}
    for file in files.documentation_pages():
        if file.src_uri.startswith(within):
            folders.setdefault(PurePosixPath(file.src_uri).parent, []).append(file)
    for folder, pages in folders.items():
        if folder.name and not any(PurePosixPath(page.src_uri).name in ("index.md", "README.md") for page in pages):
            lines = [f"- [{title(page)}]({PurePosixPath(page.src_uri).name})" for page in sorted(pages, key=title)]
            text = f"# {folder.name.replace('-', ' ').capitalize()}\n\n" + "\n".join(lines) + "\n"
            files.append(File.generated(config, (folder / "index.md").as_posix(), content=text))


def title(file: File) -> str:
    """Return the heading of a page."""
    heading = _HEADING.search(file.content_string)
    return heading[1] if heading else PurePosixPath(file.src_uri).stem


def pages_of(files: Files, config: MkDocsConfig) -> dict[Path, str]:
    """Return the address of each file of the site by its path. A folder has the address of its index."""
    found: dict[Path, str] = {}
    for file in files:
        source = Path(file.abs_src_path) if file.abs_src_path else Path(config.docs_dir, file.src_uri)
        found[source] = file.src_uri
        if source.name in ("index.md", "README.md"):
            found.setdefault(source.parent, file.src_uri)
    return found


def rewritten(markdown: str, page: Page, pages: dict[Path, str], elsewhere: Callable[[str, Path], str]) -> str:
    """Return a page's text with links that lead to pages; `elsewhere` writes the links to other files."""
    source = Path(page.file.abs_src_path) if page.file.abs_src_path else None
    if source is None:
        return markdown
    code: list[str] = []

    def hide(match: re.Match[str]) -> str:
        code.append(match[0])
        return _PLACEHOLDER.format(len(code) - 1)

    def link(match: re.Match[str]) -> str:
        text, path, anchor = match[1], match[2], match[3] or ""
        if not path:
            return match[0]
        target = Path(source.parent, path).resolve()
        if target in pages:
            here = PurePosixPath(page.file.src_uri).parent.as_posix()
            return f"[{text}]({relpath(pages[target], here)}{anchor})"
        return elsewhere(text, target) if target.exists() else match[0]

    changed = _LINK.sub(link, _CODE.sub(hide, markdown))
    return re.sub("\x00(\\d+)\x00", lambda match: code[int(match[1])], changed)
