"""The contract holds Terraform, the deploy and the placeholders together."""

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.generator.test_removal import EVERYTHING
from tests.harness import Renderer
from tests.kubernetes.overlays import Manifest, kustomize, one, settings_of

_KEY = re.compile(r"^\s{4,6}([a-z_]+)\s+=", re.MULTILINE)
ZERO = "sha256:" + "0" * 64


def published(project: Path) -> set[str]:
    """Keys that infra/service publishes."""
    text = (project / "infra/service/contract.tf").read_text(encoding="utf-8")
    block = text[text.index("contract_base = {") : text.index('module "contract"')]
    return set(_KEY.findall(block)) - {"contract_caches", "one", "two"}


def example(project: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((project / "deploy/contract.example.json").read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize(
    "answers", [{}, EVERYTHING, {"profile": "production", "domain": "api.example.com"}], ids=["startup", "everything", "production"]
)
def test_terraform_publishes_what_the_deploy_reads(render: Renderer, answers: dict[str, Any]) -> None:
    project = render(answers)
    optional = {"lru_cache_host", "lru_cache_port"}
    assert set(example(project)) == published(project) - optional
    assert optional <= published(project)


@pytest.fixture
def ops_package(render: Renderer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default project, with its operations package importable."""
    project = render({})
    monkeypatch.syspath_prepend(str(project / "ops/src"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "ops"]:
        monkeypatch.delitem(sys.modules, name)
    return project


def component_of(contract: dict[str, Any]) -> str:
    from ops.component import component  # noqa: PLC0415  of the rendered project
    from ops.contract import Contract  # noqa: PLC0415
    from ops.images import Images  # noqa: PLC0415

    text: str = component(Contract.parse(json.dumps(contract)), Images.of(ZERO, ZERO, ZERO))
    return text


@pytest.mark.usefixtures("ops_package")
@pytest.mark.parametrize("answers", [{}, EVERYTHING], ids=["startup", "everything"])
def test_the_placeholder_is_what_a_deploy_would_write(render: Renderer, answers: dict[str, Any]) -> None:
    project = render(answers)
    placeholder = (project / "deploy/components/contract/kustomization.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(placeholder) == yaml.safe_load(component_of(example(project)))
    assert placeholder.endswith(component_of(example(project)))


def overlay_with(project: Path, folder: Path, contract: dict[str, Any]) -> list[Manifest]:
    """The overlay of production by a contract."""
    from shutil import copytree  # noqa: PLC0415

    copytree(project / "deploy", folder / "deploy")
    (folder / "deploy/components/contract/kustomization.yaml").write_text(component_of(contract), encoding="utf-8")
    return kustomize(folder / "deploy/overlays/production")


def test_without_a_domain_there_is_http_alone(ops_package: Path, tmp_path: Path) -> None:
    manifests = overlay_with(ops_package, tmp_path, example(ops_package) | {"host": "", "certificate_arn": ""})
    ingress = one(manifests, "Ingress", "api")
    assert "host" not in ingress["spec"]["rules"][0]
    names = {name.rpartition("/")[2]: value for name, value in ingress["metadata"]["annotations"].items()}
    assert names["listen-ports"] == '[{"HTTP": 80}]'
    assert not {"certificate-arn", "ssl-policy", "ssl-redirect"} & set(names)
    assert "PUBLIC_URL" not in settings_of(manifests)


def test_with_a_domain_80_redirects_to_tls_13(ops_package: Path, tmp_path: Path) -> None:
    contract = example(ops_package) | {"host": "api.example.com", "certificate_arn": "arn:aws:acm:r:1:certificate/c"}
    manifests = overlay_with(ops_package, tmp_path, contract)
    ingress = one(manifests, "Ingress", "api")
    names = {name.rpartition("/")[2]: value for name, value in ingress["metadata"]["annotations"].items()}
    assert names["listen-ports"] == '[{"HTTP": 80}, {"HTTPS": 443}]'
    assert names["ssl-redirect"] == "443"
    assert names["ssl-policy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert names["certificate-arn"] == "arn:aws:acm:r:1:certificate/c"
    assert ingress["spec"]["rules"][0]["host"] == "api.example.com"
    assert settings_of(manifests)["PUBLIC_URL"] == "https://api.example.com"


def test_a_second_cache_group_is_the_caches_own(ops_package: Path, tmp_path: Path) -> None:
    one_group = overlay_with(ops_package, tmp_path / "one", example(ops_package))
    contract = example(ops_package) | {"lru_cache_host": "lru.example.internal", "lru_cache_port": 6379}
    two_groups = overlay_with(ops_package, tmp_path / "two", contract)
    assert "CACHE_REDIS_HOST" not in settings_of(one_group)
    assert settings_of(two_groups)["CACHE_REDIS_HOST"] == "lru.example.internal"


def test_what_the_user_sets_wins_over_everything(ops_package: Path, tmp_path: Path, render: Renderer) -> None:
    project = render.workspace(tmp_path / "project", {})
    (project / "deploy/overlays/production/settings.env").write_text("SMTP_HOST=mail.example.com\nLOG_LEVEL=DEBUG\nWORKER_CONCURRENCY=3\n")
    settings = settings_of(kustomize(project / "deploy/overlays/production"))
    assert (settings["SMTP_HOST"], settings["LOG_LEVEL"], settings["WORKER_CONCURRENCY"]) == ("mail.example.com", "DEBUG", "3")
    assert ops_package != project


def test_an_empty_text_of_the_contract_is_no_annotation(ops_package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a second platform the contract's words for external-dns are empty, and it would take them for values."""
    manifests = importlib.import_module("ops.manifests")
    ingress = {"kind": "Ingress", "metadata": {"name": "api", "annotations": {"health-check-id": "", "waf": "acl", "off": "false"}}}
    service = {"kind": "Service", "metadata": {"name": "api"}}
    monkeypatch.setattr(manifests, "kustomize", lambda _: yaml.safe_dump_all([ingress, service]))
    found, other = manifests.render(ops_package)
    assert found["metadata"]["annotations"] == {"waf": "acl", "off": "false"}
    assert other == service
