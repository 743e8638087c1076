"""A built documentation site: its links, anchors, images, navigation, and what its pages load."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADING = {("source", "srcset"), *((tag, "src") for tag in ("embed", "iframe", "img", "script", "source", "video"))}
"""Attributes whose URL a browser loads with the page; those of `link` depend on `rel`."""
LOADING_LINKS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "manifest"}
RAW = ("\n- ", "\n* ", "\n1. ", "\n|", "```", "](")
"""Markup in the text of a paragraph: the page does not show what its author meant."""


class BuildError(Exception):
    """MkDocs failed. The message is its output."""


def build(folder: Path, target: Path, *options: str) -> str:
    """Build a site with warnings as errors. Return MkDocs's output."""
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target), *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise BuildError(run.stderr)
    return run.stderr


@dataclass(slots=True)
class _Page(HTMLParser):
    path: Path
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    navigation: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    images: list[tuple[str, str]] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _in_code: int = 0

    def __post_init__(self) -> None:
        super(_Page, self).__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
            if "md-nav__link" in values.get("class", ""):
                self.navigation.append(values["href"])
        if tag == "link" and LOADING_LINKS & set(values.get("rel", "").split()):
            self.loaded.append(values["href"])
        self.loaded += [values[name] for of, name in LOADING if of == tag and name in values]
        if tag == "img":
            self.images.append((values["src"], values.get("alt", "")))
        if tag in ("code", "pre"):
            self._in_code += 1
        if tag == "p":
            self.paragraphs.append("")
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("code", "pre"):
            self._in_code -= 1
        if tag == "p" and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and not self._in_code:
            self.paragraphs[-1] += data


def faults(site: Path) -> Iterator[str]:
    """Yield one line a fault of a built site."""
    pages = {path: _Page(path) for path in sorted(site.rglob("*.html"))}
    if not pages:
        yield "the site has no pages"
    reachable = {site / "404.html"}
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        reachable |= {target for link in page.navigation if (target := _target(site, path, link)[0])}
        for url in page.loaded:
            if urlsplit(url).netloc:
                yield f"{name}: {url} is loaded from another host"
            elif _target(site, path, url)[0] is None:
                yield f"{name}: {url} does not exist"
        yield from (f"{name}: the image {url} has no description" for url, text in page.images if not text)
        yield from (f"{name}: unread markup in {text.strip()[:60]!r}" for text in page.paragraphs if any(mark in text for mark in RAW))
        for link in page.links:
            target, anchor = _target(site, path, link)
            if urlsplit(link).scheme or urlsplit(link).netloc:
                continue
            if target is None:
                yield f"{name}: {link} leads nowhere"
            elif anchor and target in pages and anchor not in pages[target].ids:
                yield f"{name}: {link} has no such heading"
    yield from (f"{path.relative_to(site).as_posix()} is not in the navigation" for path in pages if path not in reachable)


def _target(site: Path, page: Path, link: str) -> tuple[Path | None, str]:
    parts = urlsplit(link)
    path = unquote(parts.path)
    # The page for unknown addresses links from the site's root.
    base = site if path.startswith("/") else page.parent
    target = Path(os.path.normpath(base / path.lstrip("/"))) if path else page
    if target.is_dir():
        target /= "index.html"
    return (target if target.is_file() and target.is_relative_to(site) else None), parts.fragment
