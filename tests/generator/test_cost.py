"""The cost estimate: the seed's arithmetic, what must hold for any sizes, and the same figures in all places."""

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import copier
import jinja2
import pytest
import yaml
from copier._main import Worker
from rich.console import Console

from sampan import cli, console, estimates, matrix, prices
from sampan.commands import cost as cost_command
from tests.harness import ROOT, copy_questionnaire, fast_copier

PRICES: dict[str, Any] = yaml.safe_load((ROOT / "extensions/catalogue/prices.yaml").read_text(encoding="utf-8"))
REGIONS = PRICES["regions"].split()
PRICED_REGIONS = [region for region in REGIONS if region != "ap-southeast-5"]
CLASSES = {
    name: yaml.safe_load((ROOT / f"extensions/catalogue/{name}.yaml").read_text(encoding="utf-8"))
    for name in ("instances", "databases", "caches")
}

# The architecture of the reference, without what its table leaves out: no traffic, logs, metrics, secrets, keys or backups.
SEED_LINES = (
    "control-plane nodes-base node-disks database database-storage cache alb-hours nat-hours ipv4".split()  # noqa: SIM905  # a list of nine
)
SIZE: dict[str, Any] = {
    "environment": "production",
    "described": True,
    "low": False,
    "az_count": 3,
    "nat_gateways": 2,
    "interface_endpoints": False,
    "node_instance_type": "t3.medium",
    "node_min": 2,
    "node_max": 6,
    "spot": False,
    "db_instance_class": "db.t3.micro",
    "db_multi_az": False,
    "db_storage_gb": 20,
    "db_read_replica": False,
    "cache_node_type": "cache.t3.micro",
    "cache_replicas": 0,
    "cache_groups": "one",
    "cache_engine": "redis",
    "waf": False,
    "audit_trail": False,
    "dr_region": "",
    "off_hours_shutdown": "none",
    "log_retention_days": 30,
    "domain": "",
    "api_max": 10,
    "worker_max": 10,
}

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> jinja2.Environment:
    template = copy_questionnaire(tmp_path_factory.mktemp("template"))
    return Worker(src_path=str(template), dst_path=tmp_path_factory.mktemp("unused")).jinja_env


@pytest.fixture(scope="module")
def call(environment: jinja2.Environment) -> Call:
    """Call a macro of cost.jinja. Return its JSON as data."""

    def macro(name: str, *arguments: Any) -> Any:
        source = f"{{% import 'extensions/cost.jinja' as cost %}}{{= cost.{name}(*arguments) =}}"
        return json.loads(environment.from_string(source).render(arguments=arguments))

    return macro


@pytest.fixture(scope="module")
def estimate(call: Call) -> Call:
    def made(
        region: str = "ap-southeast-1", platform: str = "create", mail: str = "smtp", *, tracing: bool = False, **changes: Any
    ) -> dict[str, Any]:
        found: dict[str, Any] = call("estimate", {**SIZE, **changes}, region, platform, "rolling", False, mail, tracing)
        return found

    return made


def of_seed(made: dict[str, Any]) -> float:
    return sum(float(line["low"]) for line in made["lines"] if line["key"] in SEED_LINES)


# us-east-1, 730 hours: (.10 + 2 x .0416 + .018 + .017 + .0225 + 2 x .045 + 5 x .005) x 730 + 20 x .115 + 40 x .08.
# The reference's 40 GB of EBS are 20 GB for each node; the template's nodes have 40 GB each.
@pytest.mark.parametrize(
    ("region", "changes", "usd"),
    [
        ("us-east-1", {}, 265.16),  # 73.00 + 60.74 + 13.14 + 2.30 + 12.41 + 16.43 + 65.70 + 18.25 + 3.20
        ("ap-southeast-1", {}, 318.53),  # 73.00 + 77.09 + 20.44 + 2.76 + 18.62 + 18.40 + 86.14 + 18.25 + 3.84
        ("ap-southeast-1", {"cache_node_type": "cache.t4g.micro"}, 317.43),  # cache 17.52
        ("ap-southeast-1", {"db_multi_az": True, "cache_replicas": 1}, 360.34),  # + 20.44 + 2.76 + 18.62
        ("ap-southeast-1", {"db_multi_az": True, "cache_replicas": 1, "cache_node_type": "cache.t4g.micro"}, 358.15),
    ],
)
def test_the_shape_of_the_reference_costs_what_it_does(
    region: str, changes: dict[str, Any], usd: float, estimate: Call, call: Call
) -> None:
    found = of_seed(estimate(region, **changes))
    disks = call("price", "ebs.gp3", region)["usd"] * 40  # 20 GB less on each of two nodes
    assert found - disks == pytest.approx(usd, rel=0.01)


def test_every_class_that_is_offered_has_a_row_of_prices() -> None:
    offered = [
        *CLASSES["instances"]["offered"].split(),
        *CLASSES["databases"]["types"].split(),
        *CLASSES["caches"]["types"].split(),
    ]
    assert [name for name in offered if name not in PRICES] == []
    regions = yaml.safe_load((ROOT / "extensions/catalogue/regions.yaml").read_text(encoding="utf-8"))["names"].split()
    assert regions == REGIONS


def test_every_price_has_a_source_and_an_inferred_one_says_so() -> None:
    sources = {name.removeprefix("source.") for name in PRICES if name.startswith("source.")}
    for name, row in PRICES.items():
        cells = str(row).split()
        if name.startswith("source.") or name in {"checked", "stale_days", "hours", "regions"}:
            continue
        assert len(cells) == len(REGIONS), name
        for cell in cells:
            found = re.fullmatch(r"\?|(~?)\d+(\.\d+)?([a-z])", cell)
            assert found, f"{name}: {cell}"
            assert cell == "?" or (found.group(3) in sources and bool(found.group(1)) == (found.group(3) == "i")), f"{name}: {cell}"


GROWING: dict[str, list[Any]] = {
    "node_min": [2, 3, 6],
    "node_max": [4, 6, 12],
    "nat_gateways": [1, 2, 3],
    "az_count": [2, 3],
    "db_storage_gb": [20, 100, 1000],
    "cache_replicas": [0, 1, 5],
    "db_instance_class": ["db.t4g.micro", "db.t4g.small", "db.t4g.medium", "db.t4g.large"],
    "cache_node_type": ["cache.t4g.micro", "cache.t4g.small", "cache.t4g.medium"],
    "node_instance_type": ["t3.medium", "t3.large", "t3.xlarge"],
    "db_multi_az": [False, True],
    "db_read_replica": [False, True],
    "cache_groups": ["one", "two"],
    "waf": [False, True],
    "interface_endpoints": [False, True],
    "log_retention_days": [1, 30, 3653],
    "dr_region": ["", "ap-southeast-2"],
    "domain": ["", "api.example.com"],
}


@pytest.mark.parametrize("question", GROWING)
def test_more_never_costs_less(question: str, estimate: Call) -> None:
    for region in ("ap-southeast-1", "us-east-1"):
        found = [estimate(region, **{question: value}) for value in GROWING[question]]
        level = "high" if question == "node_max" else "low"  # at low traffic the most nodes do not count
        sums = [made[level] for made in found]
        if question == "node_instance_type":  # fewer, larger nodes may cost less at high traffic, and not the fewest
            sums = [next(line["low"] for line in made["lines"] if line["key"] == "nodes-base") for made in found]
        assert sums == sorted(sums), question
        assert sums[0] < sums[-1] or question == "node_max", question


@pytest.mark.parametrize("region", PRICED_REGIONS)
@pytest.mark.parametrize("node", CLASSES["instances"]["offered"].split())
def test_spot_is_never_above_on_demand(region: str, node: str, estimate: Call) -> None:
    sizes: dict[str, Any] = {"node_instance_type": node, "node_max": 40, "node_min": 2}
    spot, on_demand = estimate(region, spot=True, **sizes), estimate(region, **sizes)
    assert spot["low"] <= on_demand["low"]
    assert spot["high"] <= on_demand["high"]


def test_high_traffic_never_costs_less_and_both_are_the_sums_of_their_lines(estimate: Call) -> None:
    sizes: list[dict[str, Any]] = [{}, {"spot": True}, {"off_hours_shutdown": "weekends", "low": True}]
    for region, changes in itertools.product(PRICED_REGIONS, sizes):
        made = estimate(region, **changes)
        assert made["low"] <= made["high"]
        for level in ("low", "high"):
            assert made[level] == pytest.approx(sum(line[level] for line in made["lines"]), abs=0.005)
            assert all(line[level] >= 0 for line in made["lines"])
        assert all(line["low"] <= line["high"] for line in made["lines"])


def test_a_price_that_is_not_known_makes_the_total_at_least(estimate: Call, environment: jinja2.Environment) -> None:
    made = estimate("ap-southeast-5")
    assert "nodes-base" in made["missing"]
    assert next(line for line in made["lines"] if line["key"] == "nodes-base")["basis"] == "missing"
    shown = environment.from_string("{% import 'extensions/cost.jinja' as cost %}{= cost.usd(made.low, made.missing) =}").render(made=made)
    assert shown.startswith("at least $")
    assert estimate("ap-southeast-1")["missing"] == []


def test_a_saving_is_not_more_than_the_lines_it_touches(estimate: Call) -> None:
    made = estimate(node_max=12)
    by_key = {saving["key"]: saving for saving in made["savings"]}
    lines = {line["key"]: line for line in made["lines"]}
    assert by_key["spot"]["low"] == 0, "at two nodes, which are the base, spot saves nothing"
    assert 0 < by_key["spot"]["high"] < lines["nodes-more"]["high"]
    assert by_key["single-nat"]["low"] == pytest.approx(lines["nat-hours"]["low"] / 2, abs=0.01)
    assert 0 < by_key["weekends"]["low"] < by_key["nights-and-weekends"]["low"]
    assert {saving["key"] for saving in estimate(platform="join")["savings"]} == {"reserved-database", "reserved-cache"}


# ------------------------------------------------------------------------------------------------ the same figures everywhere


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a template of what shows the cost: document, chart, and the value that `sampan cost` reads."""
    template = copy_questionnaire(tmp_path_factory.mktemp("faces"), "docs/cost.md.jinja", "docs/cost.svg.jinja")
    (template / "template/costs.json.jinja").write_text("{= costs | to_json =}\n", encoding="utf-8")
    return template


def amounts(text: str) -> list[str]:
    return re.findall(r"(?:at least )?\$[\d,]+", text)


@pytest.mark.parametrize("row", matrix.rows(), ids=lambda row: "-".join((row["profile"], row["aws_region"], row["platform"])))
def test_message_document_and_command_agree(
    row: dict[str, str], faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "output", lambda: Console(width=80, highlight=False))
    with fast_copier():
        copier.run_copy(str(faces), tmp_path / "project", data=matrix.answers(row), defaults=True, quiet=False)
    message = capsys.readouterr().err.split("Estimated monthly cost", 1)[1]
    document = (tmp_path / "project/docs/cost.md").read_text(encoding="utf-8")
    chart = (tmp_path / "project/docs/cost.svg").read_text(encoding="utf-8")
    each = estimates.Estimate("row", json.loads((tmp_path / "project/costs.json").read_text(encoding="utf-8")))

    cost_command._summary(each, lines=False)
    terminal = capsys.readouterr().out
    for environment, made in each.environments.items():
        expected = [f"${made[level]:,.0f}" for level in ("low", "high")]
        [line] = [line for line in message.splitlines() if line.split()[:1] == [environment] and "$" in line]
        assert amounts(line) == expected
        [line] = [line for line in document.splitlines() if line.startswith(f"| {environment} |")][:1]
        assert amounts(line)[:2] == expected
        assert all(usd in chart for usd in expected)
        assert all(usd.lstrip("$") in terminal for usd in expected)
    together = [f"${each.costs[level]:,.0f}" for level in ("low", "high")]
    assert amounts(next(line for line in message.splitlines() if "together" in line)) == together
    assert amounts(next(line for line in document.splitlines() if "Together" in line)) == together
    assert f"{together[0].lstrip('$')} to {together[1].lstrip('$')}" in terminal
    assert all(len(line) <= 80 for line in (*message.splitlines(), *terminal.splitlines()) if amounts(line) or line in terminal)


@pytest.mark.parametrize("profile", ["sandbox", "startup", "production", "regulated"])
def test_the_readme_has_what_a_profile_costs(profile: str, faces: Path, tmp_path: Path) -> None:
    with fast_copier():
        copier.run_copy(str(faces), tmp_path / "project", data=estimates.data_of(profile), defaults=True, quiet=True)
    costs = json.loads((tmp_path / "project/costs.json").read_text(encoding="utf-8"))
    row = f"| `{profile}` | {', '.join(costs['environments'])} | ${costs['low']:,.0f} | ${costs['high']:,.0f} |"
    assert row in (ROOT / "README.md").read_text(encoding="utf-8")
    if profile == "production":
        assert (tmp_path / "project/docs/cost.svg").read_bytes() == (ROOT / "docs/cost-production.svg").read_bytes()


def test_the_command_prints_json_csv_and_a_comparison(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with fast_copier():
        assert cli.run(["cost", "sandbox", "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert set(document["environments"]) == {"dev"}

        path = tmp_path / "answers.yml"
        path.write_text("_commit: v1\nprofile: sandbox\n", encoding="utf-8")
        assert cli.run(["cost", str(path), "--csv"]) == 0
        header, *lines = capsys.readouterr().out.splitlines()
        assert header.startswith("answers,environment,group")
        cents = sum(round(float(line.split(",")[-3]) * 100) for line in lines)
        assert cents == round(document["low"] * 100)

        assert cli.run(["cost", "--compare", "ap-southeast-1", "us-east-1"]) == 0
        assert re.search(r"Total .*-\d", capsys.readouterr().out)

        assert cli.run(["cost", "--compare", "sandbox", "us-east-1", "--json"]) == 0
        both = json.loads(capsys.readouterr().out)
        assert both["sandbox"]["low"] == document["low"]
        assert both["us-east-1"]["region"] == "us-east-1"
        assert set(both["us-east-1"]["environments"]) == {"dev"}, "the sandbox, in another region"


@pytest.mark.parametrize(("high", "budget"), [(0, 50), (50, 50), (50.01, 100)])
def test_a_budget_is_at_least_fifty_dollars(high: float, budget: int, call: Call) -> None:
    """Before the prices of a new region are filled in, its estimate is 0, which `monthly_budget_usd` refuses."""
    assert call("budget", {"high": high}) == budget


def test_a_budget_fits_the_estimate_and_a_lower_one_is_warned_of(faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warned = {}
    for name, answers in {"default": {}, "low": {"monthly_budget_usd": 390}}.items():
        with fast_copier():
            copier.run_copy(str(faces), tmp_path / name, data=answers, defaults=True, quiet=False)
        costs = json.loads((tmp_path / name / "costs.json").read_text(encoding="utf-8"))["environments"]["production"]
        stored = yaml.safe_load((tmp_path / name / ".copier-answers.yml").read_text(encoding="utf-8"))
        document = (tmp_path / name / "docs/cost.md").read_text(encoding="utf-8")
        warned[name] = ("below the estimate" in capsys.readouterr().err, "is below its estimate" in document)
        assert (stored["monthly_budget_usd"] >= costs["high"]) == (name == "default")
    assert warned == {"default": (False, False), "low": (True, True)}


def test_old_prices_are_warned_of(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "table", lambda: {"checked": "2020-01-01", "stale_days": "90"})
    with fast_copier():
        assert cli.run(["cost", "sandbox", "--json"]) == 0
    assert "refresh them with `sampan prices`" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--compare", "sandbox", "sandbox"], "choose another"),
        (["startupp"], "Did you mean 'startup'?"),
        (["sandbox", "-d", "nat_gateway=1"], "Did you mean 'nat_gateways'?"),
        (["sandbox", "-d", "db_instance_class=db.t3.nano"], "db_instance_class: choose db.t3."),
        (["sandbox", "--json", "--csv"], "Choose --json or --csv."),
    ],
)
def test_a_wrong_argument_is_refused(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with fast_copier():
        assert cli.run(["cost", *arguments]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
