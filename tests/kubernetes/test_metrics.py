"""The agent passes on the application's metrics, and looks where the pods are."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness import Renderer
from tests.kubernetes.conftest import Rendered
from tests.kubernetes.overlays import Manifest, one, select
from tests.kubernetes.pods import selects


def variables(manifests: list[Manifest]) -> dict[str, str]:
    """The agent's variables, with $(…) put in as the kubelet does for the service `shop` in production."""
    container = one(manifests, "Deployment", "metrics")["spec"]["template"]["spec"]["containers"][0]
    known = {"SERVICE": "shop", "ENVIRONMENT": "production"}
    for variable in container["env"]:
        if "value" in variable:
            known[variable["name"]] = re.sub(r"\$\(([A-Z_]+)\)", lambda name: known[name[1]], variable["value"])
    return known


@pytest.fixture(scope="session")
def agent(rendered: Rendered) -> dict[str, Any]:
    """The agent's configuration."""
    found: dict[str, Any] = json.loads(variables(rendered["startup"]["production"])["CW_CONFIG_CONTENT"])
    return found


@pytest.fixture(scope="session")
def scrapes(rendered: Rendered) -> dict[str, Any]:
    """Its Prometheus configuration."""
    found: dict[str, Any] = yaml.safe_load(variables(rendered["startup"]["production"])["PROMETHEUS_CONFIG_CONTENT"])
    return found


def exposed(project: Path) -> dict[str, str]:
    """Names of the application's metrics as a scrape shows them, each with its kind."""
    found = {}
    for path in (project / "src/app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"Counter", "Gauge", "Histogram"}:
                name = ast.literal_eval(node.args[0])
                found[f"{name}_total" if node.func.id == "Counter" else name] = node.func.id
    return found


def test_every_counter_and_gauge_is_passed_on_and_no_histogram(render: Renderer, agent: dict[str, Any], scrapes: dict[str, Any]) -> None:
    (declared,) = agent["logs"]["metrics_collected"]["prometheus"]["emf_processor"]["metric_declaration"]
    metrics = exposed(render({}))
    assert len(metrics) > 20
    for name, kind in metrics.items():
        assert any(re.search(pattern, name) for pattern in declared["metric_selectors"]) is (kind != "Histogram"), name
    unused = [pattern for pattern in declared["metric_selectors"] if not any(re.search(pattern, name) for name in metrics)]
    assert unused == []
    (drop,) = scrapes["scrape_configs"][0]["metric_relabel_configs"]
    dropped = [name for name, kind in metrics.items() if kind != "Histogram" and re.fullmatch(drop["regex"], name)]
    assert dropped == []
    assert re.fullmatch(drop["regex"], "http_request_seconds_bucket")


def test_a_metric_is_the_services_own_and_its_environments(agent: dict[str, Any], scrapes: dict[str, Any]) -> None:
    prometheus = agent["logs"]["metrics_collected"]["prometheus"]
    assert prometheus["log_group_name"] == "/service/shop/production/metrics"
    assert prometheus["emf_processor"]["metric_namespace"] == "shop"
    assert prometheus["emf_processor"]["metric_declaration"][0]["dimensions"] == [["Environment"]]
    for scrape in scrapes["scrape_configs"]:
        assert scrape["relabel_configs"] == [{"target_label": "Environment", "replacement": "production"}]
    assert agent["agent"]["region"] == "placeholder"


def test_the_agent_looks_where_the_pods_are(rendered: Rendered, scrapes: dict[str, Any]) -> None:
    manifests = rendered["startup"]["production"]
    for scrape in scrapes["scrape_configs"]:
        (discovery,) = scrape["dns_sd_configs"]
        name, namespace, domain = discovery["names"][0].split(".", 2)
        service = one(manifests, "Service", name)["spec"]
        assert (namespace, domain, service["clusterIP"]) == ("shop", "svc.cluster.local.", "None")
        template = one(manifests, "Deployment", scrape["job_name"])["spec"]["template"]
        assert selects({"matchLabels": service["selector"]}, template["metadata"]["labels"])
        assert discovery["port"] in [port["containerPort"] for port in template["spec"]["containers"][0]["ports"]]


def test_the_region_is_the_contracts(rendered: Rendered) -> None:
    assert variables(rendered["startup"]["production"])["AWS_REGION"] == "placeholder"


def test_keda_counts_what_is_due(rendered: Rendered, render: Renderer) -> None:
    (trigger,) = one(rendered["queue"]["production"], "ScaledObject", "worker")["spec"]["triggers"]
    assert exposed(render({"worker_scaling": "queue"}))[trigger["metadata"]["valueLocation"]] == "Gauge"
    assert (trigger["type"], trigger["metadata"]["format"]) == ("metrics-api", "prometheus")


def test_kedas_target_is_twice_what_a_worker_runs_at_a_time(rendered: Rendered) -> None:
    production = rendered["queue"]["production"]
    (trigger,) = one(production, "ScaledObject", "worker")["spec"]["triggers"]
    settings = next(m["data"] for m in select(production, "ConfigMap") if m["metadata"]["name"].startswith("settings"))
    assert int(trigger["metadata"]["targetValue"]) == 2 * int(settings["WORKER_CONCURRENCY"])
