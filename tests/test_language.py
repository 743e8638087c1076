"""Plain English: the phrases that CONTRIBUTING rules out do not occur, and spelling is checked by codespell."""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("template", "extensions", "tests", "benchmarks", "docs", "copier.yml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", ".github")
# Decision records quote the words of their time, catalogues of translations hold other languages, and this file quotes bad examples.
LEFT_OUT = re.compile(r"docs/decisions/|\.(?:po|json|svg|pem|lock)$|^tests/kubernetes/crds/|^tests/test_language\.py$")

# A name, a pattern, an example that it matches, and a sentence with the same words that it lets pass. Line breaks count as spaces.
RULES = {
    "a noun clause as subject": (
        (
            r'(?:"""|# ?|// ?|(?:^|\n)(?:- )?|[a-z`)][.] |description: |description = "|help=")'
            r"(?:What|Who|Whose|Whoever|Whatever) [a-z`][^?\n]*(?:$|\n)"
        ),
        '"""What is kept, and for how long."""',
        "What is kept?",
    ),
    "stands in": (r"\bstands? in\b", "A host stands in the query.", "A stand-in for the load balancer."),
    "is no": (
        r"(?<!there )(?<!There )\b(?:is|are|was|were) no (?!(?:longer|more|less|fewer)\b)",
        "This is no digest.",
        "There is no overlay qa; it is no longer used.",
    ),
    "whoever": (r"\b[Ww]hoever\b", "Redis runs the code of whoever writes.", "Anyone who can write to Redis runs code."),
    "told to": (r"\btold to\b", "Run until told to stop.", "The user is told so."),
    "all the same": (r"\ball the same\b", "A replica answers all the same.", "All have the same shape."),
    "by itself": (r"\bby (?:it|them)sel(?:f|ves)\b", "It grows by itself.", "It grows automatically."),
    "as it is": (
        r"(?<!soon )\bas (?:it|they) (?:is|are|was|were)\b(?! \w+(?:ed|en|pt)\b)",
        "Keep it as it is.",
        "Visible as soon as it is; text as it was written.",
    ),
    "comes back": (
        r"\b(?:comes?|came|goes|go|went|gone|gives?|gave|puts?|brings?|brought) (?:back\b|way to\b)",
        "The release goes back.",
        "The release is rolled back.",
    ),
    "the own": (r"\bthe own\b", "They disable the own account.", "They disable their own account."),
    "one that": (r"\bones? that\b", "Close one that failed.", "Close a connection that failed."),
    "tried again": (r"\btried again\b", "The task is tried again.", "The task is retried."),
    "for ever": (r"\bfor ever\b", "It would wait for ever.", "It would wait forever."),
    "one per": (
        r"\bone (?!(?:of|in|for|to|as|is|with|from)\b)(?:\w+ )?an? (?:line|row|item|finding|variable|environment|zone|service)\b",
        "One error message, one line a finding.",
        "One line per finding; a read of one row a second.",
    ),
    "a result as an afterthought": (
        r'"""(?!An? |The |No )[A-Z][^".;:]*; (?:its|their) (?!(?:[\w\'` ]* )?(?:is|are|must|has|have|holds?|goes)\b)[\w\'` -]+\."""',
        '"""Store a tree; its identifier."""',
        '"""Store a tree. Return its identifier."""',
    ),
    "the release before": (r"\b[Tt]he release before\b", "Restore the release before.", "Restore the previous release."),
    "speaks HTTP": (r"\bspeaks? HTTP\b", "The load balancer speaks HTTP.", "The load balancer serves HTTP."),
    "hear of": (r"\b[Hh]ears? of\b", "Sessions hear of it.", "Sessions see it."),
    "in earnest": (r"\bin earnest\b", "Restore in earnest.", "Restore for real."),
    "mend": (r"\bmends?\b", "Somebody mends the database.", "Somebody repairs the database."),
    "to the letter": (r"\bto the letter\b", "It follows the plan to the letter.", "It follows the plan exactly."),
    "of today": (r"\bof today\b", "The files of today.", "The current files."),
    "glossary: email": (r"\be-mails?\b", "Send an e-mail.", "Send an email message."),
    "glossary: environment": (r"\bwhereabouts\b", "The whereabouts of the cluster.", "The cluster reference."),
    "glossary: rollback failed": (r"\bhalf-?way\b", "It stopped halfway.", "The rollback failed."),
    "glossary: extend": (r"\bprolong(?:s|ed|ing)?\b", "They prolong the lease.", "Extend the lease."),
    "glossary: Internal Server Error": (r"\bmade a mistake\b", "The service made a mistake.", "Internal Server Error"),
}


def plain(text: str) -> str:
    """Return a text with its line breaks, and the comment signs after them, as single spaces."""
    return re.sub(r"[ \t]*\n[ \t]*(?:#[ \t]+)?", " ", text)


def found(name: str, text: str) -> Iterator[str]:
    """Yield the places of a text that break a rule, with some words around each."""
    pattern = RULES[name][0]
    searched = text if name == "a noun clause as subject" else plain(text)
    for match in re.finditer(pattern, searched):
        yield searched[max(0, match.start() - 30) : match.end() + 30].strip()


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """The texts that people read, by path."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PLACES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    read = {}
    for name in filter(None, listed):
        if not LEFT_OUT.search(name) and (ROOT / name).is_file() and b"\0" not in (content := (ROOT / name).read_bytes()):
            read[name] = content.decode("utf-8", errors="replace")
    assert len(read) > 500, "the files were not found"
    return read


@pytest.mark.parametrize("name", RULES)
def test_a_rule_finds_its_bad_example_and_passes_the_good_one(name: str) -> None:
    _, bad, good = RULES[name]
    assert list(found(name, bad))
    assert list(found(name, f"First.\n{bad}\n"))
    assert not list(found(name, good))


@pytest.mark.parametrize("name", RULES)
def test_no_text_breaks_a_rule(name: str, texts: dict[str, str]) -> None:
    broken = [f"{path}: {place}" for path, text in texts.items() for place in found(name, text)]
    assert not broken, "\n".join(broken)


def spelling(files: list[str]) -> str:
    """Return codespell's complaints about files; the words it must not know are in pyproject.toml."""
    command = [sys.executable, "-m", "codespell_lib", "--toml", str(ROOT / "pyproject.toml"), *files]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


def test_words_are_spelled_right(texts: dict[str, str], tmp_path: Path) -> None:
    assert spelling(list(texts)) == ""
    wrong = tmp_path / "wrong.md"
    wrong.write_text("Recieve the seperate adress.\n", encoding="utf-8")
    lines = [line.partition(": ")[2] for line in spelling([str(wrong)]).splitlines()]
    assert [key for key, _ in groupby(lines)] == ["Recieve ==> Receive", "seperate ==> separate", "adress ==> address"]
