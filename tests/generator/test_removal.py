"""The removal drill: an option that is off leaves no file and no word; an option that is on leaves its files."""

import re
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness import ANSWERS_FILE, ROOT, Renderer, files_of

TABLE: dict[str, str] = yaml.safe_load((ROOT / "extensions/catalogue/options.yaml").read_text(encoding="utf-8"))
LANGUAGES = yaml.safe_load((ROOT / "extensions/catalogue/languages.yaml").read_text(encoding="utf-8"))
OPTIONS = sorted({key.split(".")[0] for key in TABLE if not key.startswith("no_")})

EVERYTHING: dict[str, Any] = {
    "profile": "production",
    "domain": "api.example.com",
    "environments": ["dev", "production"],
    "sample": True,
    "tracing": True,
    "delivery": "canary",
    "worker_scaling": "queue",
    "spot": True,
    "off_hours_shutdown": "weekends",
    "dr_region": "ap-southeast-2",
    "db_read_replica": True,
    "mail": "ses",
    "waf": True,
    "audit_trail": True,
    "languages": ["en", "id", "ms", "th", "vi", "fil", "zh"],
}
"""All options that go together; `accounts_remote` and `platform_join` replace what others add to."""

OFF: dict[str, dict[str, Any]] = {
    "sample": {"sample": False},
    "accounts_remote": {"accounts": "local"},
    "tracing": {"tracing": False},
    "platform_join": {"platform": "create"},
    "delivery_canary": {"delivery": "rolling"},
    "worker_scaling_queue": {"worker_scaling": "cpu"},
    "spot": {"spot": False},
    "off_hours_shutdown": {"off_hours_shutdown": "none"},
    "dr_region": {"dr_region": ""},
    "db_read_replica": {"db_read_replica": False},
    "mail_ses": {"mail": "smtp"},
    "waf": {"waf": False},
    "audit_trail": {"audit_trail": False},
}
ON: dict[str, dict[str, Any]] = {
    "accounts_remote": {"accounts": "remote"},
    "platform_join": {"platform": "join", "off_hours_shutdown": "none", "spot": False, "waf": False},
}


def pattern(words: list[str]) -> re.Pattern[str]:
    """Any of the words, as a word or as a part of a name: `waf` in `aws_wafv2`, but not `otel` in `hotel`."""
    return re.compile(rf"(?<![a-z])({'|'.join(map(re.escape, words))})(?![a-z])", re.IGNORECASE)


def files_matching(project: Path, patterns: str) -> list[str]:
    """Files of the project under the paths of a table's row."""
    return [
        name for name in files_of(project) for pattern in patterns.split() if fnmatchcase(name, pattern) or name.startswith(f"{pattern}/")
    ]


def test_the_drill_knows_every_option() -> None:
    assert set(OFF) == set(OPTIONS)
    for option in OPTIONS:
        assert {f"{option}.files", f"{option}.words", f"{option}.edges", f"no_{option}.files"} <= set(TABLE), option


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_is_on_brings_its_files(option: str, render: Renderer) -> None:
    project = render({**EVERYTHING, **ON.get(option, {})})
    patterns = TABLE[f"{option}.files"].split()
    assert patterns or TABLE[f"no_{option}.files"], "an option brings files, or leaves some out"
    for pattern in patterns:
        assert files_matching(project, pattern), pattern
    for pattern in TABLE[f"no_{option}.files"].split():
        assert not files_matching(project, pattern), pattern


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("rest", ["everything else on", "profile's defaults"])
def test_an_option_that_is_off_leaves_no_trace(option: str, rest: str, render: Renderer) -> None:
    project = render({**EVERYTHING, **OFF[option]} if rest == "everything else on" else OFF[option])
    assert not files_matching(project, TABLE[f"{option}.files"])
    words = TABLE[f"{option}.words"].split()
    assert words
    traces = [
        f"{name}: {found.group()}"
        for name, content in files_of(project).items()
        if name != ANSWERS_FILE
        for found in [pattern(words).search(f"{name}\n{content.decode()}")]
        if found
    ]
    assert not traces


@pytest.mark.parametrize("option", OPTIONS)
def test_the_words_of_an_option_are_found_when_it_is_on(option: str, render: Renderer) -> None:
    """A drill that looks for the wrong word would never fail."""
    project = render({**EVERYTHING, **ON.get(option, {})})
    text = "\n".join(f"{name}\n{content.decode()}" for name, content in files_of(project).items() if name != ANSWERS_FILE)
    for word in TABLE[f"{option}.words"].split():
        found = pattern([word]).search(text)
        assert found, f"no file has the word {word} of {option}.words in extensions/catalogue/options.yaml"


ANSWER_OF = {
    "accounts_remote": "accounts",
    "delivery_canary": "delivery",
    "mail_ses": "mail",
    "platform_join": "platform",
    "worker_scaling_queue": "worker_scaling",
}
PROSE = ("README.md", "docs/")


def regions() -> Counter[tuple[str, str]]:
    """How many `#% if` regions each template file has for each option: (file, option) to count."""
    found: Counter[tuple[str, str]] = Counter()
    for path in (ROOT / "template").rglob("*.jinja"):
        name = path.relative_to(ROOT / "template").as_posix().removesuffix(".jinja")
        for condition in re.findall(r"^\s*#% (?:if|elif) (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            for option in OPTIONS:
                if re.search(rf"\b{ANSWER_OF.get(option, option)}\b", condition):
                    found[name, option] += 1
    return found


def test_an_option_attaches_once_in_each_of_its_edge_files_and_nowhere_else() -> None:
    edges = {(edge, option) for option in OPTIONS for edge in TABLE[f"{option}.edges"].split()}
    found = {place: count for place, count in regions().items() if not place[0].startswith(PROSE)}
    for option in OPTIONS:
        attached = {file for file, one in found if one == option}
        listed = {file for file, one in edges if one == option}
        row = f"{option}.edges of extensions/catalogue/options.yaml"
        assert attached == listed, f"{row}: lacks {sorted(attached - listed)}; names without a region {sorted(listed - attached)}"
    assert not {place: count for place, count in found.items() if count > 1}


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_a_language_that_is_off_leaves_no_trace(code: str, render: Renderer) -> None:
    languages = [other for other in EVERYTHING["languages"] if other != code]
    without, with_it = render({**EVERYTHING, "languages": languages}), render(EVERYTHING)
    gone = set(files_of(with_it)) - set(files_of(without))
    assert gone
    assert all(name.endswith(f"/locales/{code}.po") for name in gone)
    # Match whole words, because a text may name Thailand.
    name = LANGUAGES[code].split(" (")[0].encode()
    assert not re.search(rb"\b" + re.escape(name) + rb"\b", b"\n".join(files_of(without).values()))
