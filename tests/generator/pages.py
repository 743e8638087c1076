"""The pages that make claims (recovery, region, compliance): each row of their tables links to a file of the project or to a source."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

CLAIMS = ("recovery.md", "region.md", "compliance.md", "users-data.md")
PAGES = (*CLAIMS, "roadmap.md", "cost.md")
SOURCES = {
    "aws.amazon.com",
    "commission.europa.eu",
    "docs.aws.amazon.com",
    "www.pdpc.gov.sg",
}
"""Sites of the authority that a claim is about."""
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def claims(text: str) -> list[str]:
    """Return the rows of a page's tables, without the headings."""
    lines = text.splitlines()
    rules = {number for number, line in enumerate(lines) if re.fullmatch(r"\|[|: -]+\|", line)}
    return [line for number, line in enumerate(lines) if line.startswith("|") and not {number, number + 1} & rules]


def problems(project: Path) -> Iterator[str]:
    """Yield claims without a link, links that lead nowhere, and unknown sources."""
    for name in PAGES:
        page = project / "docs" / name
        text = page.read_text(encoding="utf-8")
        if name in CLAIMS:
            yield from (f"{name}: no link in {row}" for row in claims(text) if not LINK.search(row))
        for link in LINK.findall(text):
            if link.startswith("https://"):
                if urlsplit(link).hostname not in SOURCES:
                    yield f"{name}: {link} is not a known source"
            elif link.startswith("#"):
                if link[1:] not in anchors(text):
                    yield f"{name}: no heading {link}"
            elif not (page.parent / link.partition("#")[0]).exists():
                yield f"{name}: {link} does not exist"
