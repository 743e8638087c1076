"""Spans of the pods reach an agent that listens, and a project without traces opens no receiver."""

import re
from pathlib import Path

import pytest
import yaml

from tests.harness import Renderer

ENVIRONMENTS = ["dev", "production"]


def answered(project: Path, environment: str) -> str:
    text = (project / f"infra/environments/{environment}.platform.tfvars").read_text(encoding="utf-8")
    (found,) = re.findall(r"^application_signals\s*= (\w+)$", text, re.MULTILINE)
    return str(found)


@pytest.mark.parametrize(("tracing", "opened"), [(True, "true"), (False, "false")])
def test_the_platform_opens_the_receiver_with_the_answer(render: Renderer, *, tracing: bool, opened: str) -> None:
    project = render({"tracing": tracing, "environments": ENVIRONMENTS})
    assert {answered(project, environment) for environment in ENVIRONMENTS} == {opened}
    cluster = (project / "infra/platform/cluster.tf").read_text(encoding="utf-8")
    assert re.search(r"^\s*applicationSignals = \{ enabled = var\.application_signals \}$", cluster, re.MULTILINE)


def test_pods_send_spans_to_the_receivers_port_and_may(render: Renderer) -> None:
    """The agent takes OTLP over HTTP on 4316 (defaultAppSignalsHttpEndpoint in translator/translate/otel/receiver/otlp/translator.go)."""
    component = render({"tracing": True, "environments": ENVIRONMENTS}) / "deploy/components/tracing"
    settings = yaml.safe_load((component / "kustomization.yaml").read_text(encoding="utf-8"))["configMapGenerator"][0]["literals"]
    assert settings == ["OTEL_EXPORTER_OTLP_ENDPOINT=http://cloudwatch-agent.amazon-cloudwatch:4316"]
    policy = yaml.safe_load((component / "network-policy.yaml").read_text(encoding="utf-8"))["spec"]
    assert policy["egress"][0]["ports"] == [{"port": 4316, "protocol": "TCP"}]
