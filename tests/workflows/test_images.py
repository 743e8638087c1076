"""Dockerfile and compose.yaml: linted, pinned as the catalogue says, and in step with what the images need."""

import re
import shutil
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml

from tests.harness import ROOT, Renderer
from tests.kubernetes.test_values import settings_known_to
from tests.workflows.tools import lint

VERSIONS = yaml.safe_load((ROOT / "extensions/catalogue/versions.yaml").read_text(encoding="utf-8"))
REGIONS = yaml.safe_load((ROOT / "extensions/catalogue/regions.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def project(render: Renderer) -> Path:
    return render({})


def test_hadolint_finds_nothing(project: Path) -> None:
    lint("hadolint", "Dockerfile", cwd=project)


def test_hadolint_sees_a_fault(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN cd /tmp && apt-get install curl\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="DL3007"):
        lint("hadolint", "Dockerfile", cwd=tmp_path)


def test_base_images_have_the_catalogues_versions_and_digests(project: Path) -> None:
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)(?: AS (\w+))?$", text, re.MULTILINE)
    python = f"python:{VERSIONS['python']}-slim-trixie@{VERSIONS['python_image_digest']}"
    assert bases == [
        (f"ghcr.io/astral-sh/uv:{VERSIONS['uv']}@{VERSIONS['uv_image_digest']}", "uv"),
        (python, "build"),
        (python, "runtime"),
        ("runtime", "api"),
        ("runtime", "worker"),
        ("runtime", "migrate"),
    ]
    assert "# syntax" not in text


def test_the_build_context_holds_what_the_dockerfile_takes_and_no_more(project: Path) -> None:
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    taken = set(re.findall(r"source=(\S+?),", text)) | {
        line.split()[1] for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line
    }
    lines = (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*"
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == taken


def test_the_containers_user_and_the_pods_are_the_same(project: Path) -> None:
    assert "USER 10001:10001" in (project / "Dockerfile").read_text(encoding="utf-8")
    for name in ("api", "worker", "migrate"):
        assert "runAsUser: 10001" in (project / f"deploy/base/{name}.yaml").read_text(encoding="utf-8")


def test_the_database_certificates_are_public_roots_and_nothing_else(project: Path) -> None:
    text = (project / "deploy/certs/rds.pem").read_text(encoding="utf-8")
    assert text.count("BEGIN CERTIFICATE") >= 3
    assert "PRIVATE" not in text
    assert "DATABASE_SSL_ROOT_CERT=/app/certs/rds.pem" in (project / "Dockerfile").read_text(encoding="utf-8")


# These regions are newer than the available copy of AWS's certificates: Copier refuses them, and a deploy to one names the certificate to
# append.
WITHOUT_CERTIFICATES = {name for name in REGIONS["names"].split() if not REGIONS[f"{name}.certificates"]}


@pytest.mark.parametrize("region", sorted(set(REGIONS["names"].split()) - WITHOUT_CERTIFICATES))
def test_every_region_has_its_certificates(project: Path, region: str) -> None:
    text = (project / "deploy/certs/rds.pem").read_text(encoding="utf-8")
    for kind in ("RSA2048", "RSA4096", "ECC384"):
        assert f"# Amazon RDS {region} Root CA {kind} G1, until " in text


@pytest.mark.parametrize("answers", [{}, {"mail": "ses", "domain": "api.example.com"}], ids=["smtp", "ses"])
def test_compose_is_well_formed_and_sets_what_the_service_reads(render: Renderer, answers: dict[str, str], tmp_path: Path) -> None:
    project = render(answers)
    files = sorted(project.glob("compose*.yaml"))
    assert [path.name for path in files] == (["compose.yaml"] if answers else ["compose.override.yaml", "compose.yaml"])
    known = settings_known_to(project)
    for path in files:
        shutil.copy(path, tmp_path)
        lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", tmp_path / path.name, cwd=tmp_path)
        services = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
        for name in {"api", "worker", "migrate"} & set(services):
            assert set(services[name]["environment"]) <= known, f"{path.name}: {name}"


def test_compose_runs_the_databases_of_the_catalogue(project: Path) -> None:
    services = yaml.safe_load((project / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert services["postgres"]["image"] == f"postgres:{VERSIONS['postgresql']}-alpine"
    assert services["valkey"]["image"] == f"valkey/valkey:{VERSIONS['valkey']}-alpine"
    for name, service in services.items():
        for dependency, wanted in service.get("depends_on", {}).items():
            healthy = wanted["condition"] == "service_healthy"
            assert ("healthcheck" in services[dependency]) is healthy, f"{name} waits for {dependency}"
        assert all(fnmatchcase(port, "127.0.0.1:*") for port in service.get("ports", [])), f"{name} listens beyond this machine"
