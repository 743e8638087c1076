"""The architecture diagram: what is drawn follows the answers, and every text fits its box."""

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import copier
import pytest
import yaml
from copier._main import Worker

from sampan import estimates, matrix
from tests.harness import ROOT, copy_questionnaire, fast_copier

SVG = "{http://www.w3.org/2000/svg}"

# Advance widths of the characters 32 to 126 in thousandths of the size: DejaVu Sans, the widest of the usual sans-serif fonts.
REGULAR = [
    *(318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, *[636] * 10, 337, 337, 838, 838, 838, 531, 1000),
    *(684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685),
    *(390, 337, 390, 838, 500, 500),
    *(613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525),
    *(636, 337, 636, 838),
]
BOLD = [
    *(348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365, *[696] * 10, 400, 400, 838, 838, 838, 580, 1000),
    *(774, 762, 734, 830, 683, 683, 821, 837, 372, 372, 775, 637, 995, 837, 850, 733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725),
    *(457, 365, 457, 838, 500, 500),
    *(675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687, 716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582),
    *(712, 365, 712, 838),
]

# Beyond the matrix: the longest names and numbers that the questions take, and as many boxes as possible.
EXTREMES: dict[str, dict[str, Any]] = {
    "longest": {
        "service": "w" * 24,
        "platform_name": "m" * 24,
        "domain": "w" * 44 + ".example.com",
        "profile": "regulated",
        "route_prefix": "/wwwwwwwwwwww/wwwwwwwwwwwww/wwwwwwwwwwww",
        "db_storage_gb": 16384,
        "db_instance_class": "db.m7g.xlarge",
        "cache_node_type": "cache.r7g.xlarge",
        "cache_replicas": 5,
        "db_read_replica": True,
        "node_min": 100,
        "node_max": 200,
        "log_retention_days": 3653,
        "dr_region": "ap-southeast-2",
        "accounts": "remote",
        "spot": True,
        "tracing": True,
        "environments": ["production"],
        "off_hours_shutdown": "minimum-only",
    },
    "longest in two zones": {"az_count": 2, "nat_gateways": 1},
    "longest on a platform": {
        "platform": "join",
        "spot": False,
        "audit_trail": False,
        "interface_endpoints": False,
        "off_hours_shutdown": "none",
        "waf": False,
    },
}
for name in ("longest in two zones", "longest on a platform"):
    EXTREMES[name] = {**EXTREMES["longest"], **EXTREMES[name]}

# Parts that depend on an answer. The rest of a picture is the same for all.
DRAWN: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "AWS WAF": lambda answers: answers["waf"],
    "Canary pods": lambda answers: answers["delivery"] == "canary",
    "KEDA": lambda answers: answers["worker_scaling"] == "queue",
    "Spot": lambda answers: answers["spot"] and answers["platform"] == "create",
    "AWS X-Ray": lambda answers: answers["tracing"],
    "Amazon SES": lambda answers: answers["mail"] == "ses",
    "SMTP server": lambda answers: answers["mail"] == "smtp",
    "Identity service": lambda answers: answers["accounts"] == "remote",
    "Route 53 and ACM": lambda answers: answers["domain"],
    "AWS CloudTrail": lambda answers: answers["audit_trail"] and answers["platform"] == "create",
    "EventBridge Scheduler": lambda answers: answers["off_hours_shutdown"] != "none",
    "AWS Backup": lambda answers: answers["dr_region"],
    "PostgreSQL replica": lambda answers: answers["dr_region"] and answers["db_read_replica"],
    "PostgreSQL standby": lambda answers: answers["db_multi_az"],
    "PostgreSQL read replica": lambda answers: answers["db_read_replica"],
    "Valkey queue": lambda answers: answers["cache_groups"] == "two",
    "Private endpoints": lambda answers: answers["interface_endpoints"] and answers["platform"] == "create",
    "NAT gateway": lambda answers: answers["platform"] == "create",
    "Amazon S3": lambda answers: answers["platform"] == "create",
    "Nodes of the platform": lambda answers: answers["platform"] == "join",
}


@dataclass(frozen=True)
class Box:
    """A rectangle with its texts: a part, or a frame around parts."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    texts: tuple[tuple[str, float, int, bool], ...]
    """Text, position, size, and whether it is bold."""

    def meets(self, other: "Box") -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


@dataclass(frozen=True)
class Picture:
    """One diagram and the answers that it shows."""

    root: ET.Element
    answers: Mapping[str, Any]
    """With the sizes of the environment that is drawn."""

    @property
    def boxes(self) -> Iterator[Box]:
        for group in self.root.iter(f"{SVG}g"):
            rectangle = group.find(f"{SVG}rect")
            if rectangle is not None:
                x, y, width, height = (float(rectangle.attrib[name]) for name in ("x", "y", "width", "height"))
                yield Box(
                    group.attrib["class"],
                    x,
                    y,
                    width,
                    height,
                    tuple(
                        (text.text or "", float(text.attrib["x"]), *((11, False) if text.get("class") == "detail" else (12, True)))
                        for text in group.iter(f"{SVG}text")
                    ),
                )

    @property
    def parts(self) -> list[Box]:
        return [box for box in self.boxes if box.kind.startswith("part")]

    @property
    def names(self) -> list[str]:
        return [box.texts[0][0] for box in self.parts]

    @property
    def description(self) -> str:
        return " ".join((self.root.findtext(f"{SVG}desc") or "").split())


def wide(text: str, size: int, *, bold: bool) -> float:
    widths = BOLD if bold else REGULAR
    return sum(widths[ord(character) - 32] if character.isascii() else 1000 for character in text) * size / 1000


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Picture]:
    """Return the picture of every row of the matrix, of each profile and of the extremes."""
    template = copy_questionnaire(tmp_path_factory.mktemp("diagrams"), "docs/architecture.svg.jinja")
    (template / "template/sizes.json.jinja").write_text("{= sizes | to_json =}\n", encoding="utf-8")
    rows = {
        **matrix.computed(),
        **EXTREMES,
        **{profile: estimates.data_of(profile) for profile in ("sandbox", "startup", "production", "regulated")},
    }
    found = {}
    for number, (row, data) in enumerate(rows.items()):
        project = tmp_path_factory.mktemp(f"d{number}")
        with fast_copier():
            copier.run_copy(str(template), project, data=data, defaults=True, quiet=True)
        answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
        size = json.loads((project / "sizes.json").read_text(encoding="utf-8"))[answers["environments"][-1]]
        content = (project / "docs/architecture.svg").read_text(encoding="utf-8")
        assert "{=" not in content
        assert row != "production" or content == (ROOT / "docs/architecture-production.svg").read_text(encoding="utf-8")
        found[row] = Picture(ET.fromstring(content), {**answers, **size})  # noqa: S314  # rendered by this test
    return found


def test_every_text_fits_its_box_and_no_part_covers_another(drawn: dict[str, Picture]) -> None:
    assert len(drawn) > 20
    for row, picture in drawn.items():
        _, _, right, bottom = (float(number) for number in picture.root.attrib["viewBox"].split())
        for box in picture.boxes:
            assert box.x >= 0, row
            assert box.y >= 0, row
            assert box.x + box.width <= right, row
            assert box.y + box.height <= bottom, row
            for text, x, size, bold in box.texts:
                assert text.strip(), row
                assert x + wide(text, size, bold=bold) <= box.x + box.width - 3, f"{row}: {text!r} is wider than its box"
        for one, other in itertools.combinations(picture.parts, 2):
            assert not one.meets(other), f"{row}: {one.texts[0][0]} meets {other.texts[0][0]}"
        for part, frame in itertools.product(picture.parts, picture.boxes):
            if frame.kind == "frame cluster" and part.meets(frame):
                assert part.y >= frame.y, row
                assert part.y + part.height <= frame.y + frame.height, row
                assert part.x >= frame.x, row
                assert part.x + part.width <= frame.x + frame.width, row


def test_an_arrow_crosses_no_text(drawn: dict[str, Picture]) -> None:
    for row, picture in drawn.items():
        arrows = [
            tuple(float(number) for number in re.findall(r"[\d.]+", path.attrib["d"]))
            for group in picture.root.iter(f"{SVG}g")
            if group.attrib["class"] == "arrow"
            for path in group.iter(f"{SVG}path")
            if path.get("class") != "head"
        ]
        assert arrows, row
        for (x, top, bottom), box in itertools.product(arrows, list(picture.boxes)):
            for at, (text, start, size, bold) in enumerate(box.texts):
                crossed = top < box.y + 17 + 15 * at < bottom and start <= x <= start + wide(text, size, bold=bold)
                assert not crossed, f"{row}: an arrow crosses {text!r}"


@pytest.mark.parametrize("name", DRAWN)
def test_a_part_is_drawn_exactly_when_an_answer_brings_it(name: str, drawn: dict[str, Picture]) -> None:
    expected = {row: bool(DRAWN[name](picture.answers)) for row, picture in drawn.items()}
    assert set(expected.values()) == {True, False}, "the rows have both"
    assert {row: name in picture.names for row, picture in drawn.items()} == expected


def test_zones_gateways_nodes_and_replicas_are_as_many_as_the_answers_say(drawn: dict[str, Picture]) -> None:
    for row, picture in drawn.items():
        size, names = picture.answers, picture.names
        zones = [box for box in picture.boxes if box.kind == "frame zone"]
        if picture.answers["platform"] == "create":
            assert len(zones) == size["az_count"], row
            assert names.count("NAT gateway") == size["nat_gateways"], row
            nodes = [int(name.split()[0]) for name in names if re.fullmatch(r"\d+ nodes?", name)]
            assert sum(nodes) == size["node_min"], row
            assert names.count("Spot") == (size["az_count"] if size["spot"] else 0), row
        else:
            assert len(zones) == 1, row
        texts = [(box.texts[0][0], box.texts[1][0]) for box in picture.parts if box.kind == "part cache"]
        counted = 0
        for name, detail in texts:
            beside = re.search(r"\+ (\d+) replica", detail)
            own = re.match(r"(?:(\d+) )?Valkey.* replicas?$", name)
            counted += int(beside.group(1)) if beside else int(own.group(1) or 1) if own else 0
        assert counted == size["cache_replicas"] * {"one": 1, "two": 2}[size["cache_groups"]], row


def test_the_picture_is_described_in_words(drawn: dict[str, Picture]) -> None:
    for row, picture in drawn.items():
        root = picture.root
        assert root.attrib["role"] == "img"
        ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
        assert len(ids) == len(set(ids)) == 2, row
        assert [root.attrib["aria-labelledby"], root.attrib["aria-describedby"]] == ids
        for name in {re.sub(r"^\d+ ", "", name).removesuffix("s") for name in picture.names}:
            assert name.lower() in picture.description.lower(), f"{row}: {name} is drawn and not described"
        assert not re.search(r"\s[.,;]|\(\)|, \.", picture.description), picture.description


def test_a_page_shows_two_pictures_without_styles_of_their_own(tmp_path: Path) -> None:
    """A content security policy without inline styles holds, and ids differ."""
    template = copy_questionnaire(tmp_path / "template")
    page = (
        "{% import 'extensions/diagram.jinja' as diagram with context %}"
        "<div>{= diagram.svg('dev', id='left') =}{= diagram.svg('production', id='right') =}</div>"
    )
    (template / "template/page.html.jinja").write_text(page, encoding="utf-8")
    (template / "template/page.css.jinja").write_text(
        "{% import 'extensions/diagram.jinja' as diagram with context %}{= diagram.style() =}", encoding="utf-8"
    )
    with fast_copier():
        copier.run_copy(str(template), tmp_path / "project", defaults=True, quiet=True)
    content = (tmp_path / "project/page.html").read_text(encoding="utf-8")
    found = ET.fromstring(content)  # noqa: S314  # rendered by this test
    ids = [element.attrib["id"] for element in found.iter() if "id" in element.attrib]
    assert ids == ["left-title", "left-description", "right-title", "right-description"]
    assert "style" not in re.sub(r"<(?:desc|title)[^>]*>[^<]*", "", content)
    rules = (tmp_path / "project/page.css").read_text(encoding="utf-8")
    classes = {name for element in found.iter() for name in element.get("class", "").split()}
    named = set(re.findall(r"\.([a-z-]+)", re.sub(r"\d\.\d", "", rules)))
    assert named <= classes | {"database", "cache", "security", "region", "observability"}
    assert {"part", "frame", "arrow", "detail"} <= named
    assert rules.count("{") == rules.count("}")


def test_a_noun_agrees_with_its_number(tmp_path: Path) -> None:
    environment = Worker(src_path=str(copy_questionnaire(tmp_path / "template")), dst_path=tmp_path).jinja_env
    source = "{% import 'extensions/diagram.jinja' as diagram %}{= diagram.count(1, 'day') =}, {= diagram.count(2, 'day') =}"
    assert environment.from_string(source).render() == "1 day, 2 days"
