"""A release by steps: weights seen in the load balancer, and every end with all traffic on one Deployment."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness import Renderer
from tests.kubernetes.conftest import deployer_of
from tests.kubernetes.deployer import DIGESTS, LOAD_BALANCER, Deployer
from tests.kubernetes.overlays import kustomize, one

# These tests measure no traffic; tests/workflows/test_canary.py does.
AT_ONCE = ("--bake", "0", "--inconclusive", "continue")
ANNOTATION = "alb.ingress.kubernetes.io/actions.api-weighted"

# The digests of the release that is running.
BEFORE = {"release": "before", **DIGESTS, "at": "2026-11-01T12:00:00+00:00", "state": "deployed"}
HISTORY = {"metadata": {"resourceVersion": "1"}, "data": {"releases": json.dumps([BEFORE])}}


class LoadBalancer:
    """The load balancer as the controller would make it, in the emulated AWS."""

    def __init__(self, deployer: Deployer) -> None:
        ec2, self.elb = deployer.aws("ec2"), deployer.aws("elbv2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"ap-southeast-1{zone}")["Subnet"]["SubnetId"]
            for n, zone in enumerate("ab")
        ]
        self.balancer = self.elb.create_load_balancer(Name=f"k8s-{vpc[-8:]}", Subnets=subnets)["LoadBalancers"][0]
        self.groups = [self._group(vpc, name) for name in ("api", "api-canary")]
        listener = self.elb.create_listener(
            LoadBalancerArn=self.balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        )["Listeners"][0]
        condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}}
        rule = self.elb.create_rule(ListenerArn=listener["ListenerArn"], Conditions=[condition], Priority=1, Actions=self._forward(0))
        self.rule = rule["Rules"][0]["RuleArn"]

    def _group(self, vpc: str, service: str) -> str:
        group = self.elb.create_target_group(Name=f"{service}-{vpc[-8:]}", Protocol="HTTP", Port=8000, VpcId=vpc, TargetType="ip")
        arn: str = group["TargetGroups"][0]["TargetGroupArn"]
        self.elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "ingress.k8s.aws/resource", "Value": f"shop/api-{service}:80"}])
        return arn

    def _forward(self, percent: int) -> list[dict[str, Any]]:
        weights = [100 - percent, percent]
        groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in zip(self.groups, weights, strict=True)]
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]

    def set(self, percent: int) -> None:
        self.elb.modify_rule(RuleArn=self.rule, Actions=self._forward(percent))


class CanaryDeployer(Deployer):
    """A deploy that also has a load balancer."""

    balancer: LoadBalancer


@pytest.fixture
def canary(render: Renderer, tmp_path: Path, aws: str) -> CanaryDeployer:
    """A running service with canary delivery, behind a load balancer."""
    deployer = deployer_of(render, tmp_path, aws, {"service": "shop", "delivery": "canary"}, CanaryDeployer)
    balancer = LoadBalancer(deployer)
    deployer.balancer = balancer
    manifests = kustomize(deployer.project / "deploy/overlays/dev")
    annotation = one(manifests, "Ingress", "api")["metadata"]["annotations"][ANNOTATION]
    status = {"loadBalancer": {"ingress": [{"hostname": balancer.balancer["DNSName"]}]}}
    ingress = {"metadata": {"annotations": {ANNOTATION: annotation}}, "status": status}
    running = {"deployment/api": {}, "deployment/worker": {}, "ingress/api": ingress, "configmap/deploy-history": HISTORY}
    running["configmap/deploy-manifests"] = {"data": {"manifests": yaml.safe_dump_all(manifests)}}
    named = {"load-balancer": balancer.balancer["DNSName"]}
    deployer.holds({"namespace/shop": {}, "secretstore/secrets-manager": {}, "job-outcome": "Complete", **named, **running})
    return deployer


def weights_set(deployer: Deployer) -> list[int]:
    """The canary's share at each change."""
    shares = []
    for call in deployer.calls():
        if call.verb == "annotate":
            groups = json.loads(call.arguments[2].partition("=")[2])["forwardConfig"]["targetGroups"]
            assert sum(group["weight"] for group in groups) == 100
            shares += [group["weight"] for group in groups if group["serviceName"] == "api-canary"]
    return shares


def follow(deployer: CanaryDeployer, *, until: int) -> None:
    """Have the emulated load balancer follow each annotation up to `until` percent, as the controller does."""
    code = f"""
if verb == "annotate":
    import boto3, json
    action = json.loads(rest[2].partition("=")[2])
    weights = [group["weight"] for group in action["forwardConfig"]["targetGroups"]]
    if weights[1] <= {until}:
        groups = [{{"TargetGroupArn": arn, "Weight": weight}} for arn, weight in zip({deployer.balancer.groups!r}, weights)]
        boto3.client("elbv2", region_name="ap-southeast-1", aws_access_key_id="controller", aws_secret_access_key="any").modify_rule(
            RuleArn={deployer.balancer.rule!r}, Actions=[{{"Type": "forward", "ForwardConfig": {{"TargetGroups": groups}}}}])
"""
    deployer.hook("load-balancer", code)


def test_weights_rise_are_verified_and_end_at_the_new_release(canary: CanaryDeployer) -> None:
    follow(canary, until=100)
    run = canary.run("--weights", "5,50", *AT_ONCE, command="canary deploy")
    assert run.returncode == 0, run.stderr
    assert weights_set(canary) == [0, 5, 50, 0]
    order = [name for applied in canary.applies() for name in applied if name.startswith("Deployment/")]
    assert order[:2] == ["Deployment/api-canary", "Deployment/api"]
    assert "Deployment/worker" in order
    deleted = [call.arguments[:2] for call in canary.calls() if call.verb == "delete"]
    assert deleted == [["deployment", "api-canary"]]


def test_the_canary_is_the_release_under_another_name(canary: CanaryDeployer) -> None:
    follow(canary, until=100)
    assert canary.run("--weights", "5", *AT_ONCE, command="canary deploy").returncode == 0
    (text,) = [call.text for call in canary.calls() if call.verb == "apply" and call.applied == ["Deployment/api-canary"]]
    assert DIGESTS["api"] in text
    assert "app.kubernetes.io/name: api-canary" in text
    assert "app.kubernetes.io/name: api\n" not in text
    assert "replicas: 2" in text


def test_a_canary_that_does_not_come_up_gets_no_traffic_and_is_removed(canary: CanaryDeployer) -> None:
    follow(canary, until=100)
    canary.holds(canary.state | {"stuck": ["deployment/api-canary"]})
    run = canary.run("--weights", "5,50", *AT_ONCE, command="canary deploy")
    assert run.returncode == 1
    assert "progress deadline" in run.stderr
    assert weights_set(canary) == [0, 0]
    assert not [applied for applied in canary.applies() if "Deployment/api" in applied]
    assert [call.arguments[:2] for call in canary.calls() if call.verb == "delete"] == [["deployment", "api-canary"]]


def test_weights_that_do_not_apply_are_noticed_and_withdrawn(canary: CanaryDeployer) -> None:
    follow(canary, until=5)
    run = canary.run("--weights", "5,50", "--patience", "1", *AT_ONCE, command="canary deploy")
    assert run.returncode == 1
    assert "sends 5 % to the canary, 1 s after 50 % was set" in run.stderr
    assert weights_set(canary) == [0, 5, 50, 0]
    assert not [applied for applied in canary.applies() if "Deployment/api" in applied]


def test_a_first_release_is_rolled_out_at_once(canary: CanaryDeployer) -> None:
    canary.holds({"namespace/shop": {}, "secretstore/secrets-manager": {}, "job-outcome": "Complete", "load-balancer": LOAD_BALANCER})
    run = canary.run(*AT_ONCE, command="canary deploy")
    assert run.returncode == 0, run.stderr
    assert weights_set(canary) == []
    assert "Deployment/api" in canary.applies()[-2]
    assert canary.applies()[-1] == ["Deployment/worker"]


def test_a_first_release_that_broke_off_is_rolled_out_at_once_too(canary: CanaryDeployer) -> None:
    canary.holds({"namespace/shop": {}, "secretstore/secrets-manager": {}, "job-outcome": "Complete", "load-balancer": LOAD_BALANCER})
    canary.environment["GITHUB_RUN_ID"] = "1"
    canary.meets("rollout", "status", signal=signal.SIGKILL)
    assert canary.run(*AT_ONCE, command="canary deploy").returncode == -signal.SIGKILL
    run = canary.run(*AT_ONCE, command="canary deploy")
    assert run.returncode == 0, run.stderr
    assert weights_set(canary) == []
    assert canary.state["deployment/api"]["spec"]["replicas"] == 3


@pytest.mark.parametrize("weights", ["50,5", "0,50", "5,100", "five", "5,,50", ""])
def test_weights_that_make_no_sense_are_refused(canary: CanaryDeployer, weights: str) -> None:
    run = canary.run("--weights", weights, command="canary deploy")
    assert run.returncode == 1
    assert "rising percentages" in run.stderr
    assert not list(canary.calls())
