"""The manifests of every variant keep the rules that no emulator enforces."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.harness import Renderer
from tests.kubernetes.conftest import Rendered
from tests.kubernetes.overlays import VARIANTS, kustomize
from tests.rules.chart_rules import CHARTS, Charts
from tests.rules.manifest_rules import MANIFESTS, PRODUCERS, Environment
from tests.rules.workflow_rules import WORKFLOWS
from tests.workflows.projects import VARIANTS as WORKFLOW_VARIANTS
from tests.workflows.projects import triggers_of, workflows_of

if TYPE_CHECKING:
    from tests.rules.registry import Rule

WITH_PLATFORM = [name for name, answers in VARIANTS.items() if answers.get("platform") != "join"]


def charts_of(project: Path) -> Charts:
    """Return the charts that `deploy/addons` installs; none when the project joins a platform."""
    table = project / "deploy/addons/addons.yaml"
    if not table.exists():
        return Charts()
    rows = {row["name"]: row for row in yaml.safe_load(table.read_text(encoding="utf-8"))["addons"]}
    values = {name: yaml.safe_load((table.parent / f"{name}.yaml").read_text(encoding="utf-8")) for name in rows}
    return Charts(rows, values)


def environments(rendered: Rendered, project: Path, variant: str) -> dict[str, Environment]:
    """Each environment of a variant."""
    access = kustomize(project / "deploy/access")
    return {name: Environment(manifests, access) for name, manifests in rendered[variant].items()}


@pytest.mark.parametrize("variant", VARIANTS)
def test_manifests_keep_every_rule(rendered: Rendered, render: Renderer, variant: str) -> None:
    for name, environment in environments(rendered, render(VARIANTS[variant]), variant).items():
        assert MANIFESTS.broken(environment) == {}, name


@pytest.mark.parametrize("variant", WITH_PLATFORM)
def test_charts_keep_every_rule(render: Renderer, variant: str) -> None:
    assert CHARTS.broken(charts_of(render(VARIANTS[variant]))) == {}


@pytest.mark.parametrize("variant", WORKFLOW_VARIANTS)
def test_workflows_keep_every_rule(render: Renderer, variant: str) -> None:
    assert WORKFLOWS.broken(workflows_of(render(WORKFLOW_VARIANTS[variant]))) == {}


def test_every_rule_finds_something_to_check(rendered: Rendered, render: Renderer) -> None:
    everything = render(VARIANTS["everything"])
    kinds = set().union(*[environment.kinds for environment in environments(rendered, everything, "everything").values()])
    kinds |= charts_of(everything).kinds
    kinds |= {str(trigger) for workflow in workflows_of(everything).values() for trigger in triggers_of(workflow)}
    every: list[Rule[Any]] = [*MANIFESTS.rules.values(), *CHARTS.rules.values(), *WORKFLOWS.rules.values()]
    assert [rule.name for rule in every if not rule.kinds & kinds] == []


def test_what_brings_a_kind_is_installed(render: Renderer) -> None:
    installed = {f"the chart {name}" for name in charts_of(render(VARIANTS["everything"])).kinds}
    assert set(PRODUCERS.values()) - {"Kubernetes"} <= installed
