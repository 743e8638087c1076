"""Canary releases through an hour of traffic, with a fake kubectl and an emulated AWS: each ends in the promised state."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from moto.cloudwatch.models import Statistics

from tests.kubernetes.conftest import aws, emulated  # noqa: F401  fixtures
from tests.kubernetes.deployer import DIGESTS
from tests.kubernetes.test_canary import CanaryDeployer, canary, follow, weights_set  # noqa: F401  a fixture among them

WORLD = Path(__file__).parent / "canary_world.py"
WELL = {"errors": 0.001, "p95": 0.12}
UP = {
    "deployment/api": {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "7"}}, "spec": {"replicas": 4}},
    "deployment/worker": {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "7"}}, "spec": {"replicas": 2}},
}


@pytest.fixture(autouse=True)
def percentiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulated CloudWatch knows no percentiles: of one value a minute the highest stands for p95."""
    known = Statistics.get_statistics_for_type

    def with_percentiles(self: Statistics, stat: str) -> Any:
        if not stat.startswith("p"):
            return known(self, stat)
        self.stats = ["Maximum"]
        return known(self, "Maximum")

    monkeypatch.setattr(Statistics, "get_statistics_for_type", with_percentiles)


@pytest.fixture
def service(canary: CanaryDeployer) -> CanaryDeployer:  # noqa: F811  the fixture
    """A running release of four API pods, whose load balancer follows the Ingress, and whose roll-outs are noticed."""
    follow(canary, until=100)
    canary.hook("notice", _NOTICE)
    canary.holds(canary.state | UP)
    return canary


# Whether the pods behind `api` are those of the new release.
# A release rolls out the worker separately; only a rollback applies both at once.
_NOTICE = """if verb == "apply" and "name: deploy-manifests" in text:
    pass
elif verb == "apply" and "/api@sha256" in text and "/worker@sha256" in text:
    (folder / "rolled-out").unlink(missing_ok=True)
elif verb == "apply" and "/api@sha256" in text and "name: api-canary" not in text:
    (folder / "rolled-out").touch()
"""


def live(service: CanaryDeployer, *arguments: str, run: str = "", **scenario: Any) -> subprocess.CompletedProcess[str]:
    """Release in the simulated world. `run` is the number of a workflow's run; without one a person does it."""
    named = [part for name, digest in DIGESTS.items() for part in (f"--image-{name}", digest)]
    document = {
        "rule": service.balancer.rule,
        "groups": service.balancer.groups,
        "balancer": service.balancer.balancer["LoadBalancerArn"],
        "rolled_out": str(service.folder / "rolled-out"),
        "folder": str(service.folder),
        "requests": 6000,
        "old": WELL,
        "new": WELL,
        "from_percent": 0,
        "arguments": ["canary", "deploy", "dev", *named, "--release", "new", "--bake", "120", *arguments],
    }
    environment = {name: value for name, value in service.environment.items() if name != "GITHUB_RUN_ID"}
    return subprocess.run(
        [sys.executable, str(WORLD), json.dumps(document | scenario)],
        cwd=service.project,
        env=environment | {"AWS_ACCESS_KEY_ID": "canary-dev"} | ({"GITHUB_RUN_ID": run} if run else {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def share(service: CanaryDeployer) -> int:
    """The canary's share in the load balancer."""
    (rule,) = service.balancer.elb.describe_rules(RuleArns=[service.balancer.rule])["Rules"]
    weight: int = rule["Actions"][0]["ForwardConfig"]["TargetGroups"][1]["Weight"]
    return int(weight)


def promised(service: CanaryDeployer, *, promoted: bool) -> None:
    """All traffic on one Deployment, no canary left, nobody holds the environment, and its history says how it went."""
    assert share(service) == 0
    assert [call.arguments[1] for call in service.calls() if call.verb == "delete"][-1] == "api-canary"
    assert (service.folder / "rolled-out").exists() is promoted
    assert service.lock == ""
    assert service.history()[0] == ("new", "deployed" if promoted else "withdrawn")


def test_a_good_release_gets_5_25_50_and_then_all_of_the_traffic(service: CanaryDeployer) -> None:
    done = live(service)
    assert done.returncode == 0, done.stderr
    assert weights_set(service) == [0, 5, 25, 50, 0]
    assert "release at 100 %: as good" in done.stdout
    promised(service, promoted=True)


def test_the_canary_grows_with_its_share(service: CanaryDeployer) -> None:
    assert live(service).returncode == 0
    scaled = [call.arguments for call in service.calls() if call.verb == "scale"]
    assert [arguments for arguments in scaled if arguments[0] == "deployment/api-canary"] == [
        ["deployment/api-canary", f"--replicas={count}"] for count in (2, 2, 2)
    ]
    service.holds(service.state | {"deployment/api": UP["deployment/api"] | {"spec": {"replicas": 9}}})
    (service.folder / "calls.jsonl").unlink()
    assert live(service).returncode == 0
    counts = [call.arguments[1] for call in service.calls() if call.verb == "scale" and "canary" in call.arguments[0]]
    assert counts == ["--replicas=2", "--replicas=3", "--replicas=5"]


@pytest.mark.parametrize(
    ("new", "from_percent", "reason", "weights"),
    [
        ({"errors": 0.2, "p95": 0.12}, 0, "errors: 20", [0, 5, 0]),
        ({"errors": 0.06, "p95": 0.12}, 25, "errors: 6", [0, 5, 25, 0]),
        ({"errors": 0.001, "p95": 0.9}, 50, "slow: p95 900 ms, and 220 ms is the limit", [0, 5, 25, 50, 0]),
    ],
    ids=["errors", "errors that rise", "slow"],
)
def test_a_worse_release_is_withdrawn(
    service: CanaryDeployer, new: dict[str, float], from_percent: int, reason: str, weights: list[int]
) -> None:
    done = live(service, new=new, from_percent=from_percent)
    assert done.returncode == 1
    assert "is worse" in done.stderr
    assert reason in done.stderr
    assert weights_set(service) == weights
    promised(service, promoted=False)


def test_a_release_that_fails_under_all_of_the_traffic_is_put_back(service: CanaryDeployer) -> None:
    done = live(service, new={"errors": 0.3, "p95": 0.12}, from_percent=100)
    assert done.returncode == 1
    assert "release at 100 % is worse" in done.stderr
    assert "the previous release is in place again: preparation, routing, workload" in done.stdout
    assert not (service.folder / "rolled-out").exists()
    promised(service, promoted=False)


def test_errors_that_the_old_release_has_too_are_no_reason(service: CanaryDeployer) -> None:
    bad = {"errors": 0.05, "p95": 0.8}
    done = live(service, old=bad, new=bad)
    assert done.returncode == 0, done.stderr
    promised(service, promoted=True)


def test_too_little_traffic_proves_nothing(service: CanaryDeployer) -> None:
    done = live(service, requests=20)
    assert done.returncode == 1
    assert "canary at 5 % is inconclusive" in done.stderr
    assert weights_set(service) == [0, 5, 0]
    promised(service, promoted=False)


def test_too_little_traffic_may_go_on_where_that_is_said(service: CanaryDeployer) -> None:
    done = live(service, "--inconclusive", "continue", requests=20)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("is inconclusive, and the release continues as configured") >= 1
    promised(service, promoted=True)


def test_a_cancelled_run_brings_the_traffic_back(service: CanaryDeployer) -> None:
    done = live(service, mishap="cancelled", mishap_at=25)
    assert done.returncode != 0
    assert weights_set(service) == [0, 5, 25, 0]
    promised(service, promoted=False)


def test_a_lost_runner_is_healed_by_the_next_run(service: CanaryDeployer) -> None:
    lost = live(service, run="1", mishap="runner lost", mishap_at=25)
    assert lost.returncode == 9
    assert share(service) == 25
    assert service.lock == "GitHub Actions run 1"
    assert service.history()[0] == ("new", "started")
    service.balancer.set(25)
    done = live(service, run="2")
    assert done.returncode == 0, done.stderr
    # The weight of the old canary is 0 before the new one starts.
    assert weights_set(service) == [0, 5, 25, 0, 5, 25, 50, 0]
    promised(service, promoted=True)


def test_of_two_deploys_at_a_time_the_second_is_refused_and_changes_nothing(service: CanaryDeployer) -> None:
    assert live(service, run="1", mishap="runner lost", mishap_at=25).returncode == 9
    before = len(list(service.calls()))
    second = live(service)
    assert second.returncode == 1
    assert "GitHub Actions run 1 deploys to this environment" in second.stderr
    assert {call.verb for call in list(service.calls())[before:]} == {"get"}
    assert live(service, "--take-over").returncode == 0
    promised(service, promoted=True)


def test_a_deploy_that_lost_the_environment_to_another_stops_and_touches_nothing_more(service: CanaryDeployer) -> None:
    done = live(service, mishap="taken over", mishap_at=5)
    assert done.returncode == 1
    assert "another deploy took this environment over" in done.stderr
    assert weights_set(service) == [0, 5]
    assert service.lock == "somebody else"


def test_weights_that_somebody_else_changed_end_the_release(service: CanaryDeployer) -> None:
    done = live(service, mishap="weights changed", mishap_at=25)
    assert done.returncode == 1
    assert "sends 50 % to the canary now, and 25 % was set" in done.stderr
    promised(service, promoted=False)


def test_weights_that_do_not_apply_are_noticed_and_withdrawn(canary: CanaryDeployer) -> None:  # noqa: F811  the fixture
    follow(canary, until=5)
    canary.holds(canary.state | UP)
    done = live(canary)
    assert done.returncode == 1
    assert "sends 5 % to the canary, 180 s after 25 % was set" in done.stderr
    assert weights_set(canary) == [0, 5, 25, 0]
    assert share(canary) == 0
    assert canary.history()[0] == ("new", "withdrawn")


def test_traffic_is_brought_back_by_hand(service: CanaryDeployer) -> None:
    assert live(service, run="1", mishap="runner lost", mishap_at=25).returncode == 9
    done = service.run("--take-over", command="canary withdraw", images={})
    assert done.returncode == 0, done.stderr
    assert share(service) == 0
    assert service.lock == ""
