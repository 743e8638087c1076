"""The pages that make claims (recovery, region, compliance, users' data): each row links to a file of the project or to a source.

A link is followed to its heading, and a test that is named to its function.
"""

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
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
TABLE = re.compile(r'^    __tablename__ = "(\w+)"$', re.MULTILINE)


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
    yield from (f"users-data.md: {table} needs a table and a row" for table in tables_without_retention(project))
    for name in PAGES:
        page = project / "docs" / name
        text = page.read_text(encoding="utf-8")
        if name in CLAIMS:
            yield from (f"{name}: no link in {row}" for row in claims(text) if not LINK.search(row))
        for link in LINK.findall(text):
            if link.startswith("https://"):
                if urlsplit(link).hostname not in SOURCES:
                    yield f"{name}: {link} is not a known source"
            else:
                yield from (f"{name}: {fault}" for fault in unreachable(page, link))
        for file, function in TEST.findall(text):
            test = project / file
            if not test.is_file() or (function and f"def {function}(" not in test.read_text(encoding="utf-8")):
                yield f"{name}: no test {'::'.join(filter(None, (file, function)))}"


def tables_without_retention(project: Path) -> list[str]:
    """Return the template's tables that the retention table of docs/users-data.md does not name, and the names in it without a table.

    The sample's tables are a team's, as those of its own features are.
    """
    retention = (project / "docs/users-data.md").read_text(encoding="utf-8").partition("## Retention")[2]
    named = set(re.findall(r"^\| `(\w+)` \|", retention, re.MULTILINE))
    files = [file for file in (project / "src/app").rglob("*.py") if not file.is_relative_to(project / "src/app/products")]
    models = {name for file in files for name in TABLE.findall(file.read_text(encoding="utf-8"))}
    return sorted(models ^ named)


def unreachable(page: Path, link: str) -> Iterator[str]:
    """Yield what is wrong with a link of a page to a file of the project, or to a heading."""
    file, _, heading = link.partition("#")
    target = page.parent / file if file else page
    if not target.exists():
        yield f"{link} does not exist"
    elif heading and heading not in anchors(target.read_text(encoding="utf-8")):
        yield f"no heading {link}"
