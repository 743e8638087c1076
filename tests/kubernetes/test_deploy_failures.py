"""A deploy that fails or is cut off: the previous release is in place again, or running the deploy once more finishes it."""

import copy
import signal
from typing import Any

import pytest

from tests.kubernetes.deployer import DIGESTS, Deployer

NEXT = {name: f"sha256:{number:064x}" for number, name in enumerate(DIGESTS, start=11)}
MORE_REPLICAS = """
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: api
spec:
  maxReplicas: 12
"""
NOTES = (
    *("configmap/deploy-", "configmap/settings-", "applied-jobs", "job/", "job-outcome"),
    *("came-up", "stuck", "how-stuck", "mishap", "event", "load-balancer"),
)


def job_of(deployer: Deployer) -> str:
    jobs = [name for applied in deployer.applies() for name in applied if name.startswith("Job/")]
    assert len(set(jobs)) == 1
    return jobs[0].removeprefix("Job/")


def held(deployer: Deployer) -> dict[str, Any]:
    """Return the state of the cluster: everything but notes, Jobs and values that nobody reads any more."""
    return without_notes(deployer.state)


def without_notes(whole: dict[str, Any]) -> dict[str, Any]:
    state = {key: value for key, value in copy.deepcopy(whole).items() if not key.startswith(NOTES)}
    for value in state.values():
        value.get("metadata", {}).get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
    return state


def change(deployer: Deployer) -> None:
    """Another overlay: a setting, and a patch."""
    overlay = deployer.project / "deploy/overlays/dev"
    with (overlay / "settings.env").open("a", encoding="utf-8") as settings:
        settings.write("LOG_LEVEL=DEBUG\n")
    with (overlay / "patches.yaml").open("a", encoding="utf-8") as patches:
        patches.write(MORE_REPLICAS)


@pytest.fixture
def released(deployer: Deployer, first_release: dict[str, Any]) -> Deployer:
    """A release that runs, and an overlay that has changed since."""
    deployer.holds(first_release)
    change(deployer)
    return deployer


def test_a_failed_rollout_gives_way_to_the_digests_and_the_overlay_before(released: Deployer) -> None:
    before = held(released)
    released.holds(released.state | {"stuck": ["deployment/worker"]})
    run = released.run(images=NEXT)
    assert run.returncode == 1
    assert "progress deadline" in run.stderr
    assert "is deployed" not in run.stdout
    # The deploy did apply the new release: pods, settings and autoscaler.
    text = "".join(call.text for call in released.calls())
    assert NEXT["api"] in text
    assert "maxReplicas: 12" in text
    assert held(released) == before
    assert DIGESTS["api"] in str(before["deployment/api"])
    assert [state for _, state in released.history()] == ["withdrawn", "deployed"]
    assert released.lock == ""


@pytest.mark.parametrize("part", ["kind: ExternalSecret", "kind: Ingress", "kind: HorizontalPodAutoscaler"])
def test_what_an_apply_had_changed_before_it_failed_gives_way_too(released: Deployer, part: str) -> None:
    before = held(released)
    released.meets("apply", part, fails="error: the connection broke off")
    run = released.run(images=NEXT)
    assert run.returncode == 1
    assert "the connection broke off" in run.stderr
    assert held(released) == before
    assert released.history()[0][1] == "withdrawn"


def test_after_a_failed_rollout_the_same_release_may_try_again(released: Deployer) -> None:
    released.holds(released.state | {"stuck": ["deployment/api"]})
    assert released.run(images=NEXT).returncode == 1
    released.holds({key: value for key, value in released.state.items() if key != "stuck"})
    assert released.run(images=NEXT).returncode == 0
    assert NEXT["api"] in str(held(released)["deployment/api"])
    assert held(released)["horizontalpodautoscaler/api"]["spec"]["maxReplicas"] == 12


def test_a_failed_migration_leaves_everything_as_it_was(released: Deployer) -> None:
    before = held(released)
    released.holds(released.state | {"job-outcome": "Failed"})
    run = released.run(images=NEXT)
    assert run.returncode == 1
    assert "Nothing was rolled out" in run.stderr
    assert "the last lines of the migration" in run.stderr
    kinds = {name.partition("/")[0] for applied in released.applies() for name in applied}
    assert not kinds & {"Deployment", "Ingress", "Service", "HorizontalPodAutoscaler"}
    assert held(released) == before


def test_a_failed_first_migration_rolls_nothing_out(deployer: Deployer) -> None:
    deployer.holds(deployer.state | {"job-outcome": "Failed"})
    assert deployer.run().returncode == 1
    assert not any(name.startswith(("Deployment/", "Ingress/")) for applied in deployer.applies() for name in applied)


def test_a_failed_migration_is_tried_again_and_a_complete_one_is_not(deployer: Deployer) -> None:
    deployer.holds(deployer.state | {"job-outcome": "Failed"})
    assert deployer.run().returncode == 1
    job = job_of(deployer)
    deployer.holds(deployer.state | {"job-outcome": "Complete"})
    assert deployer.run().returncode == 0
    assert [call.arguments[:2] for call in deployer.calls() if call.verb == "delete"] == [["job", job]]
    deployer.forget_calls()
    assert deployer.run().returncode == 0
    assert not any(name.startswith("Job/") for applied in deployer.applies() for name in applied)


def test_a_first_release_that_does_not_come_up_stays_for_its_logs(deployer: Deployer) -> None:
    deployer.holds(deployer.state | {"stuck": ["deployment/api"]})
    assert deployer.run().returncode == 1
    assert "deployment/api" in deployer.state
    assert deployer.history()[0][1] == "withdrawn"


CUTS = {
    "before the preparation": ("create", "deploy-lock"),
    "in the preparation": ("apply", "kind: ExternalSecret"),
    "in the migration": ("apply", "kind: Job"),
    "in the routing": ("apply", "kind: Ingress"),
    "in the rollout": ("apply", "kind: HorizontalPodAutoscaler"),
    "before the first scaling": ("get", "deployment api --ignore-not-found"),
    "in the wait": ("rollout", "status deployment/worker"),
    "before the last note": ("apply", "deploy-manifests"),
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_first_deploy_whose_runner_is_lost_is_finished_by_the_next_run(
    deployer: Deployer, first_release: dict[str, Any], cut: str
) -> None:
    whole = without_notes(first_release)
    assert whole["deployment/api"]["spec"]["replicas"] == 3
    verb, text = CUTS[cut]
    deployer.environment["GITHUB_RUN_ID"] = "1"
    # kubectl reads the Deployment twice: before applying it, and for its replica count.
    deployer.meets(verb, text, signal=signal.SIGKILL)
    assert deployer.run().returncode == -signal.SIGKILL
    assert deployer.lock == "GitHub Actions run 1"
    deployer.environment["GITHUB_RUN_ID"] = "2"
    again = deployer.run()
    assert again.returncode == 0, again.stderr
    assert held(deployer) == whole
    assert deployer.history()[0][1] == "deployed"
    assert deployer.lock == ""


def test_on_a_laptop_a_lost_deploy_is_taken_over_by_a_word(released: Deployer) -> None:
    released.environment.pop("GITHUB_RUN_ID", None)
    released.meets("apply", "kind: Ingress", signal=signal.SIGKILL)
    assert released.run(images=NEXT).returncode == -signal.SIGKILL
    refused = released.run(images=NEXT)
    assert refused.returncode == 1
    assert "--take-over" in refused.stderr
    assert released.run("--take-over", images=NEXT).returncode == 0
    assert NEXT["api"] in str(held(released)["deployment/api"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_cancelled_deploy_goes_back_and_says_so(released: Deployer, number: signal.Signals) -> None:
    before = held(released)
    # More signals, such as those GitHub sends, arrive during the rollback of pods and overlay.
    back = "'kind: ExternalSecret' in text and 'LOG_LEVEL: DEBUG' not in text"
    released.hook("impatience", f"import os\nif verb == 'rollout' or ({back}):\n    os.kill(os.getppid(), {int(number)})\n")
    run = released.run(images=NEXT)
    assert run.returncode == 130
    assert "safe to run this again" in run.stderr
    assert "Traceback" not in run.stderr
    assert held(released) == before
    assert released.history()[0][1] == "withdrawn"
    assert released.lock == ""


def test_a_restore_waits_for_the_pods_before_it_says_so_and_before_the_lock_is_free(released: Deployer) -> None:
    """Issue 11, 27: it was said 80 s too early."""
    released.holds(released.state | {"stuck": ["deployment/worker"]})
    held_at = "(folder / 'held').open('a').write(state['configmap/deploy-lock']['data']['holder'] + '\\n')"
    released.hook("watch", f"if verb == 'rollout' and '{DIGESTS['worker']}' in str(state.get('deployment/worker')):\n    {held_at}\n")
    run = released.run(images=NEXT)
    assert run.returncode == 1
    said = run.stdout
    assert said.index("is applied again, waiting for its pods") < said.rindex("worker is up") < said.index("is in place again")
    holders = (released.folder / "held").read_text(encoding="utf-8").splitlines()
    assert holders
    assert all(holders)


def test_no_worker_of_a_release_runs_before_its_api_is_up(released: Deployer) -> None:
    """Issue 11, 26: workers ran a broken release for ten minutes."""
    released.holds(released.state | {"stuck": ["deployment/api"]})
    assert released.run(images=NEXT).returncode == 1
    text = "".join(call.text for call in released.calls() if call.verb == "apply")
    assert NEXT["api"] in text
    assert NEXT["worker"] not in text


def test_a_release_whose_pods_cannot_start_is_stopped_early_and_explained(released: Deployer) -> None:
    """Issue 11, 25: after ten minutes the only reason was a deadline, and the crashing pod and its logs were gone."""
    event = {"metadata": {}, "type": "Warning", "reason": "BackOff", "message": "Back-off restarting failed container api"}
    how = "error: timed out waiting for the condition"
    released.holds(released.state | {"stuck": ["deployment/api"], "how-stuck": how, "event": [event], "logs": "ValueError: no such key"})
    run = released.run(images=NEXT)
    assert run.returncode == 1
    assert "rollout of api: api-2, container api: CrashLoopBackOff" in run.stderr
    told = run.stdout[: run.stdout.index("is applied again")]
    for line in (
        "pod api-2 is Running",
        "container api: waiting: CrashLoopBackOff: back-off 40s restarting failed container, ended with 1 (Error); 3 restarts",
        "event BackOff: Back-off restarting failed container api",
        "last lines of api before its restart:",
        "ValueError: no such key",
    ):
        assert line in told
    assert "pod worker" not in told


LEFT = {"name": "DEBUG_SQL", "value": "1"}


def edited_by_hand(released: Deployer, manager: str) -> None:
    """A variable in the pods of the API that a person, or `kubectl rollout undo`, wrote."""
    key = 'k:{"name":"DEBUG_SQL"}'
    container: dict[str, Any] = {"f:env": {".": {}, key: {".": {}, "f:name": {}}}}
    fields = {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"api"}': container}}}}}
    state = released.state
    api = state["deployment/api"]
    api["spec"]["template"]["spec"]["containers"][0]["env"] = [LEFT]
    api["metadata"]["resourceVersion"] = "7"
    api["metadata"]["managedFields"] = [{"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": fields}]
    released.holds(state)


@pytest.mark.parametrize("manager", ["kubectl-rollout", "kubectl-edit"])
def test_a_field_of_another_manager_goes_with_the_next_release_and_is_shown_before(released: Deployer, manager: str) -> None:
    """Issue 11, 24: server-side apply never removes what another manager owns, and its diff does not show it."""
    edited_by_hand(released, manager)
    shown = released.run("--dry-run", images=NEXT)
    line = f"would remove Deployment/api: spec.template.spec.containers[name=api].env[name=DEBUG_SQL].name ({manager})"
    assert line in shown.stdout
    assert LEFT in released.state["deployment/api"]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert released.run(images=NEXT).returncode == 0
    assert "DEBUG_SQL" not in str(released.state["deployment/api"]["spec"])


def test_what_a_controller_wrote_stays(released: Deployer) -> None:
    edited_by_hand(released, "vpa-updater")
    assert released.run(images=NEXT).returncode == 0
    assert "DEBUG_SQL" in str(released.state["deployment/api"]["spec"])


def test_nothing_is_undone_by_another_manager(released: Deployer) -> None:
    """The recorded kubectl refuses `rollout undo`; every command is one of the deploy's own field manager."""
    released.holds(released.state | {"stuck": ["deployment/api"]})
    assert released.run(images=NEXT).returncode == 1
    assert {call.arguments[0] for call in released.calls() if call.verb == "rollout"} == {"status"}
    assert all("--field-manager=deploy" in call.arguments for call in released.calls() if call.verb == "apply")


def test_a_restore_that_fails_too_is_told_and_stays_unfinished(released: Deployer) -> None:
    stuck = "verb == 'rollout' and rest[0] == 'status'"
    outage = "'kind: HorizontalPodAutoscaler' in text and 'maxReplicas: 12' not in text and verb == 'apply'"
    released.hook("outage", f"import sys\nif ({stuck}) or ({outage}):\n    sys.exit('error: out of reach')\n")
    run = released.run(images=NEXT)
    assert run.returncode == 1
    assert "rollout status deployment/api failed" in run.stderr
    assert "The previous release is not wholly in place again" in run.stderr
    # A rollback must know that the newest release never arrived.
    assert released.history()[0][1] == "started"


def test_without_kept_manifests_a_failed_release_says_what_may_still_run(released: Deployer) -> None:
    kept = {key: value for key, value in released.state.items() if key != "configmap/deploy-manifests"}
    released.holds(kept | {"stuck": ["deployment/api"]})
    run = released.run(images=NEXT)
    assert run.returncode == 1
    assert "no manifests of the previous release are kept" in run.stderr
    assert released.history()[0][1] == "started"


def test_what_a_release_no_longer_has_is_named(released: Deployer) -> None:
    patches = released.project / "deploy/overlays/dev/patches.yaml"
    gone = "---\n$patch: delete\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: worker\n"
    patches.write_text(patches.read_text(encoding="utf-8") + gone, encoding="utf-8")
    run = released.run(images=NEXT)
    assert run.returncode == 0, run.stderr
    assert ".deploy/dev.kubeconfig.json delete poddisruptionbudget/worker" in run.stdout
