"""The way back: an earlier release by digest and with the manifests of its commit, from the environment's own history."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Renderer, commit_all, git
from tests.kubernetes.conftest import Emulated, aws, deployer_of, emulated  # noqa: F401  fixtures among them
from tests.kubernetes.deployer import Deployer

FIRST = {name: f"sha256:{number:064x}" for number, name in enumerate(("api", "worker", "migrate"), start=1)}
SECOND = {name: f"sha256:{number:064x}" for number, name in enumerate(("api", "worker", "migrate"), start=11)}
UP = {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "3"}}, "spec": {"replicas": 2}}


def commit(service: Deployer, level: str) -> str:
    """Commit a change of the manifests. Return the commit."""
    settings = service.project / "deploy/overlays/dev/settings.env"
    settings.write_text(f"SMTP_HOST=smtp.example.com\nMAIL_FROM=noreply@example.com\nLOG_LEVEL={level}\n", encoding="utf-8")
    commit_all(service.project, level)
    return git("rev-parse", "HEAD", cwd=service.project).strip()


def push(images: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the emulated registry hold the images: it computes digests, so the table of them is bent."""
    from moto.ecr.models import ECRBackend  # noqa: PLC0415  the emulator's inside, for this alone

    held = getattr(ECRBackend, "held_digests", set()) | set(images.values())
    monkeypatch.setattr(ECRBackend, "held_digests", held, raising=False)

    def describe(self: ECRBackend, repository_name: str, registry_id: str | None = None, image_ids: Any = None) -> list[Any]:  # noqa: ARG001  moto's parameters
        from moto.ecr.exceptions import ImageNotFoundException  # noqa: PLC0415  the emulator's inside

        if image_ids[0]["imageDigest"] not in held:
            raise ImageNotFoundException(image_id=str(image_ids[0]), repository_name=repository_name, registry_id="123456789012")
        return []

    monkeypatch.setattr(ECRBackend, "describe_images", describe)


@pytest.fixture(scope="module")
def released(render: Renderer, tmp_path_factory: pytest.TempPathFactory, emulated: Emulated) -> Deployer:  # noqa: F811  the fixture
    """Two releases: the first with the log level INFO, the second, which runs, with DEBUG. Deployed once for the tests of this file."""
    made = deployer_of(render, tmp_path_factory.mktemp("released"), emulated.endpoint, {"service": "shop"}, Deployer)
    made.environment.pop("GITHUB_RUN_ID", None)
    with pytest.MonkeyPatch.context() as patch:
        for images, level in ((FIRST, "INFO"), (SECOND, "DEBUG")):
            push(images, patch)
            assert made.run("--release", commit(made, level), images=images).returncode == 0
            made.holds(made.state | {"deployment/api": UP, "deployment/worker": UP})
    return made


@pytest.fixture
def service(released: Deployer, tmp_path: Path, aws: str, monkeypatch: pytest.MonkeyPatch) -> Deployer:  # noqa: F811  the fixture
    """The two releases, in a clone and a cluster of the test's own."""
    monkeypatch.delenv("GITHUB_RUN_ID", raising=False)
    push(FIRST, monkeypatch)
    push(SECOND, monkeypatch)
    (tmp_path / "bin").mkdir()
    made = Deployer(shutil.copytree(released.project, tmp_path / "project", symlinks=True), tmp_path / "bin", aws)
    made.publish()
    made.holds(released.state)
    return made


def applied(service: Deployer) -> str:
    return "".join(call.text for call in service.calls() if call.verb == "apply")


def test_back_is_the_release_before_with_its_images_and_its_manifests(service: Deployer) -> None:
    run = service.run(command="rollback")
    assert run.returncode == 0, run.stderr
    text = applied(service)
    assert FIRST["api"] in text
    assert SECOND["api"] not in text
    assert "LOG_LEVEL: INFO" in text
    assert not [name for names in service.applies() for name in names if name.startswith("Job/")]
    assert [state for _, state in service.history()] == ["withdrawn", "deployed"]
    assert service.lock == ""
    assert "is rolled back in dev" in (service.folder / "summary.md").read_text(encoding="utf-8")
    # The temporary work tree has been removed.
    assert git("worktree", "list", cwd=service.project).count("\n") == 1


def test_a_release_that_failed_is_already_withdrawn(service: Deployer, monkeypatch: pytest.MonkeyPatch) -> None:
    third = {name: f"sha256:{number:064x}" for number, name in enumerate(FIRST, start=21)}
    push(third, monkeypatch)
    service.holds(service.state | {"stuck": ["deployment/api"]})
    assert service.run("--release", commit(service, "WARNING"), images=third).returncode == 1
    service.holds({name: value for name, value in service.state.items() if name != "stuck"})
    (service.folder / "calls.jsonl").unlink()
    run = service.run(command="rollback")
    assert run.returncode == 0, run.stderr
    # The failed release was withdrawn when it failed. The second one was running, and the rollback restores the first.
    assert FIRST["api"] in applied(service)


def test_a_deploy_that_broke_off_goes_back_to_what_it_was_to_replace(service: Deployer) -> None:
    state = service.state
    rows = json.loads(state["configmap/deploy-history"]["data"]["releases"])
    state["configmap/deploy-history"]["data"]["releases"] = json.dumps(
        [rows[0] | {"state": "started", "release": "f" * 40, "at": "2026-01-01"}, *rows]
    )
    service.holds(state)
    assert service.run(command="rollback").returncode == 0
    assert SECOND["api"] in applied(service)
    assert [state for _, state in service.history()] == ["withdrawn", "deployed", "deployed"]


def test_a_named_release_is_found_by_the_beginning_of_its_commit(service: Deployer) -> None:
    first = service.history()[1][0]
    assert service.run("--to", first[:8], command="rollback").returncode == 0
    assert FIRST["api"] in applied(service)
    missing = service.run("--to", "0000000", command="rollback")
    assert missing.returncode == 1
    assert f"{first}  deployed" in missing.stderr


def test_back_twice_does_not_go_forward_again(service: Deployer) -> None:
    assert service.run(command="rollback").returncode == 0
    again = service.run(command="rollback")
    assert again.returncode == 1
    assert "there is nothing to roll back to" in again.stderr


def test_an_image_that_the_registry_has_lost_stops_it_before_anything_changes(service: Deployer, monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.ecr.models import ECRBackend  # noqa: PLC0415  the emulator's inside, for this alone

    monkeypatch.setattr(ECRBackend, "held_digests", set(), raising=False)
    push(SECOND, monkeypatch)
    run = service.run(command="rollback")
    assert run.returncode == 1
    assert "is not in its registry" in run.stderr
    assert {call.verb for call in service.calls()} == {"get"}


def test_a_dry_run_shows_and_changes_nothing(service: Deployer) -> None:
    run = service.run("--dry-run", command="rollback")
    assert run.returncode == 0, run.stderr
    assert "would roll back to" in run.stdout
    assert {call.verb for call in service.calls()} == {"get", "diff"}


def test_a_commit_that_the_clone_lacks_is_named(service: Deployer) -> None:
    state = service.state
    rows = json.loads(state["configmap/deploy-history"]["data"]["releases"])
    state["configmap/deploy-history"]["data"]["releases"] = json.dumps([rows[0], rows[1] | {"release": "0" * 40}])
    service.holds(state)
    run = service.run(command="rollback")
    assert run.returncode == 1
    assert "git fetch --unshallow" in run.stderr
    assert "Traceback" not in run.stderr


def test_while_a_deploy_is_under_way_a_rollback_waits_for_a_person(service: Deployer) -> None:
    state = service.state
    state["configmap/deploy-lock"]["data"] |= {"holder": "ann@laptop, process 1", "until": "2099-01-01T00:00:00+00:00"}
    service.holds(state)
    run = service.run(command="rollback")
    assert run.returncode == 1
    assert "ann@laptop, process 1 deploys to this environment" in run.stderr
    assert service.run("--take-over", command="rollback").returncode == 0


def test_a_failed_rollout_puts_the_old_pods_back(service: Deployer) -> None:
    assert service.run(command="deploy", images=SECOND).returncode == 0
    service.holds(service.state | {"stuck": ["deployment/api"]})
    run = service.run()
    assert run.returncode == 1
    assert "the previous release is in place again" in run.stdout
    assert SECOND["api"] in str(service.state["deployment/api"])
    assert service.history()[0][1] == "withdrawn"
    assert service.lock == ""


def test_the_deployers_may_do_what_the_history_and_the_lock_take(render: Renderer) -> None:
    text = (render() / "deploy/access/role.yaml").read_text(encoding="utf-8")
    configmaps = text.partition("resources: [configmaps,")[2].partition("\n    verbs: [")[2].partition("]")[0]
    assert {"get", "create", "patch"} <= set(configmaps.split(", "))
