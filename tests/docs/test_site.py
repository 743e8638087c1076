"""The documentation site of the template: it builds strictly, its links hold, and its reference pages say what the sources say."""

import re
from pathlib import Path

import pytest
import yaml

from sampan import reference
from tests.docs import site
from tests.harness import ROOT, template_files

COMMAND = re.compile(r'\.command\((?:"([a-z-]+)")?.*?\)\ndef (\w+)')


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site") / "site"
    site.build(ROOT, target)
    return target


def text_of(built: Path, page: str) -> str:
    return re.sub(r"<[^>]+>", "", (built / page / "index.html").read_text(encoding="utf-8"))


def test_every_link_anchor_image_and_page_of_the_site_holds(built: Path) -> None:
    assert list(site.faults(built)) == []


def test_every_document_is_a_page(built: Path) -> None:
    pages = {page.parent.relative_to(built).as_posix() for page in built.rglob("index.html")}
    own = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md") if path.stem not in ("README", "index")}
    assert {path.with_suffix("").as_posix() for path in own} <= pages
    names = [Path(name) for name in template_files() if name.startswith("template/docs/")]
    of_projects = {path.relative_to("template/docs") for path in names if path.name.removesuffix(".jinja").endswith(".md")}
    assert {f"project/{path.as_posix().removesuffix('.jinja').removesuffix('.md')}" for path in of_projects} <= pages


def test_the_reference_of_ops_has_every_command_and_option(built: Path) -> None:
    text = text_of(built, "reference/ops")
    sources = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "template/ops/src/ops/commands").glob("[a-z]*.py"))]
    names = [name for source in sources for named, plain in COMMAND.findall(source) if (name := named or plain.replace("_", "-"))]
    assert len(names) > 20
    assert [name for name in names if not re.search(rf"uv run ops (\w+ )?{name}\b", text)] == []
    options = {option for source in sources for option in re.findall(r'"(--[a-z-]+)"', source)}
    assert options
    assert [option for option in options if option not in text] == []


def test_the_files_by_answer_are_those_of_the_catalogue(built: Path) -> None:
    text = text_of(built, "reference/files")
    table = yaml.safe_load((ROOT / "extensions/catalogue/options.yaml").read_text(encoding="utf-8"))
    files = {name for row, names in table.items() if row.endswith(".files") for name in (names or "").split()}
    assert len(files) > 90
    assert [name for name in files if name not in text] == []
    headings = re.findall(r'<h2 id="[^"]*"><code>(\w+)', (built / "reference/files/index.html").read_text(encoding="utf-8"))
    assert len(headings) == len({row.partition(".")[0] for row in table if not row.startswith("no_")})
    assert set(headings) <= set(reference.questions())


def test_every_alarm_has_a_row_with_its_runbook(built: Path) -> None:
    rows = (built / "reference/alarms/index.html").read_text(encoding="utf-8")
    alarms = [path.stem for path in (ROOT / "template/docs/runbooks/alarms").glob("*.md")]
    assert alarms
    assert [name for name in alarms if f'href="../../project/runbooks/alarms/{name}/"' not in rows] == []


def test_the_tutorials_state_the_same_cost() -> None:
    recorded = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    low = {name: int(amount.replace(",", "")) for name, amount in re.findall(r"^(\w+) +\$([\d,]+) +\$[\d,]+$", recorded, re.MULTILINE)}
    deployment = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
    assert f"${low['dev']} a month with little traffic, about {round(100 * low['dev'] / 730)} cents an hour" in deployment
    home = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    assert f"is estimated at ${low['together']} a month" in home
    (sandbox,) = re.findall(r"^\| `sandbox` \| dev \| (\$[\d,]+) ", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert f"`sandbox`, at {sandbox}." in home
