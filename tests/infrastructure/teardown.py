"""The end of the applied stacks: filled with what a deploy would have made, then taken down by the project's own command."""

import base64
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.infrastructure.scenarios import GUEST, PRODUCTION, SANDBOX, Applied
from tests.infrastructure.stack import Stack

# A replacement for kubectl and for the controller behind it. The Ingress exists as long as its load balancer does, and a node
# is ready: deleting the Ingress deletes the load balancer.
KUBECTL = """#!{python}
import json
import sys
import boto3
open({log!r}, "a").write(" ".join(sys.argv[1:]) + "\\n")
client = boto3.client("elbv2", region_name="ap-southeast-1")
pages = client.get_paginator("describe_load_balancers").paginate()
mine = [each["LoadBalancerArn"] for page in pages for each in page["LoadBalancers"] if each["LoadBalancerName"] == {balancer!r}]
match sys.argv[2:4]:
    case ["get", "ingress"] if mine:
        print(json.dumps({{"kind": "Ingress", "metadata": {{"name": "api"}}}}))
    case ["get", "nodes"]:
        print(json.dumps({{"items": [{{"status": {{"conditions": [{{"type": "Ready", "status": "True"}}]}}}}]}}))
    case ["delete", "ingress"]:
        for arn in mine:
            client.delete_load_balancer(LoadBalancerArn=arn)
"""


def ingress_goes(service: str) -> list[str]:
    """Return destroy's calls of kubectl, in order: look for the Ingress and for a node, then delete."""
    here = f"--namespace={service}"
    return [
        f"{here} get ingress api --ignore-not-found --output=json",
        f"{here} get nodes --output=json",
        f"{here} delete ingress api --ignore-not-found --wait=true --timeout=300s",
    ]


def take_down(stacks: Applied) -> dict[str, list[str]]:
    """Destroy all scenarios, the two accounts side by side; what each told kubectl to do."""

    def account(*scenarios: str) -> dict[str, list[str]]:
        return {name: stacks.timed(f"{name} destroy", partial(_destroy, stacks[name])) for name in scenarios}

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(account, PRODUCTION), pool.submit(account, GUEST, SANDBOX)]
        return {name: calls for future in both for name, calls in future.result().items()}


def _destroy(stack: Stack) -> list[str]:
    fill(stack)
    log = stand_in(stack.project, stack.service)
    for what in (stack.environment, "bootstrap"):
        done = stack.run(
            *("env", f"PATH={stack.project / 'bin'}{os.pathsep}{stack.variables()['PATH']}", "PYTHONPATH=ops/src"),
            *(sys.executable, "-m", "ops", "destroy", what, "--yes", f"{stack.service}-{what}"),
        )
        assert done.returncode == 0, done.stderr[-3000:]
    return log.read_text(encoding="utf-8").splitlines()


def stand_in(project: Path, service: str) -> Path:
    """Put the stand-in into the project's `bin`; the file in which it notes what it is told."""
    log, kubectl = project / "kubectl.log", project / "bin/kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(KUBECTL.format(python=sys.executable, log=str(log), balancer=balancer(service)), encoding="utf-8")
    kubectl.chmod(0o755)
    return log


def balancer(service: str) -> str:
    """Name of the load balancer that the controller made for a service."""
    return f"k8s-{service}"


def fill(stack: Stack) -> None:
    """A load balancer, an image, log files and a record, as controllers and deploys leave them."""
    client = stack.emulator.client
    ec2, elb = client("ec2", stack.region), client("elbv2", stack.region)
    public = ec2.describe_subnets(Filters=[{"Name": "tag:Tier", "Values": ["public"]}])["Subnets"]
    cluster = client("eks", stack.region).list_clusters()["clusters"][0]
    elb.create_load_balancer(
        Name=balancer(stack.service),
        Subnets=[subnet["SubnetId"] for subnet in public],
        Tags=[{"Key": "elbv2.k8s.aws/cluster", "Value": cluster}],
    )
    manifest = '{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}'
    client("ecr", stack.region).put_image(
        repositoryName=f"{stack.service}/{stack.environment}/api", imageManifest=manifest, imageTag="deployed-1"
    )
    s3 = client("s3", stack.region)
    for bucket in s3.list_buckets()["Buckets"]:
        if "-alb-" in bucket["Name"]:
            s3.put_object(Bucket=bucket["Name"], Key=f"AWSLogs/{stack.service}.log.gz", Body=base64.b64decode(""))
    dns = client("route53", stack.region)
    for zone in dns.list_hosted_zones()["HostedZones"]:
        record = {"Name": f"written.{zone['Name']}", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "203.0.113.1"}]}
        dns.change_resource_record_sets(
            HostedZoneId=zone["Id"], ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        )
