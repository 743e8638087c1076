"""Readers of the page's HTML: the texts and tables that a person sees."""

import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlencode


def query(page: str = "/", /, **answers: str) -> str:
    return f"{page}?{urlencode(answers, safe='/:,@')}"


def text_of(fragment: str) -> str:
    """The text of a piece of HTML, its white space as single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", fragment)).split())


def part(page: str, identifier: str) -> str:
    """The element with an id, as HTML. Raises `ValueError` without one."""
    reader = _Part(identifier)
    reader.feed(page)
    if reader.start is None or reader.end is None:
        message = f"no element has the id {identifier}"
        raise ValueError(message)
    lines = page.splitlines(keepends=True)
    places = [sum(map(len, lines[: line - 1])) + column for line, column in (reader.start, reader.end)]
    return page[places[0] : places[1]]


class _Part(HTMLParser):
    """Finds the beginning and the end of an element."""

    VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "rect", "path"})

    def __init__(self, identifier: str) -> None:
        super().__init__()
        self.identifier = identifier
        self.start: tuple[int, int] | None = None
        self.end: tuple[int, int] | None = None
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.end:
            return
        if self.start is None:
            if ("id", self.identifier) not in attrs:
                return
            self.start = self.getpos()
        if tag not in self.VOID:
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        if self.start and not self.end and tag not in self.VOID:
            self._depth -= 1
            if not self._depth:
                self.end = self.getpos()


def tables(fragment: str) -> list[list[str]]:
    """The cells of all rows of the tables in a piece of HTML."""
    rows = re.findall(r"<tr>(.*?)</tr>", fragment, re.DOTALL)
    return [[text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]
