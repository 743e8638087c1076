"""The end of the applied stacks: filled with what a deploy would have made, then taken down by the project's own command."""

import base64
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.infrastructure.scenarios import GUEST, PRODUCTION, SANDBOX, Applied
from tests.infrastructure.stack import Stack

# Stands in for kubectl and for the controller behind it: when the Ingress goes, so does the load balancer.
KUBECTL = """#!{python}
import sys
import boto3
open({log!r}, "a").write(" ".join(sys.argv[1:]) + "\\n")
client = boto3.client("elbv2", region_name="ap-southeast-1")
for balancer in client.describe_load_balancers(Names=[{balancer!r}])["LoadBalancers"]:
    client.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
"""


def take_down(stacks: Applied) -> dict[str, list[str]]:
    """Destroy all scenarios, the two accounts side by side; what each told kubectl to do."""

    def account(*scenarios: str) -> dict[str, list[str]]:
        return {name: stacks.timed(f"{name} destroy", partial(_destroy, stacks[name])) for name in scenarios}

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(account, PRODUCTION), pool.submit(account, GUEST, SANDBOX)]
        return {name: calls for future in both for name, calls in future.result().items()}


def _destroy(stack: Stack) -> list[str]:
    fill(stack)
    log = stack.project / "kubectl.log"
    _stand_in(stack.project / "bin/kubectl", KUBECTL.format(python=sys.executable, log=str(log), balancer=_balancer(stack)))
    for what in (stack.environment, "bootstrap"):
        done = stack.run(
            *("env", f"PATH={stack.project / 'bin'}{os.pathsep}{stack.variables()['PATH']}", "PYTHONPATH=ops/src"),
            *(sys.executable, "-m", "ops", "destroy", what, "--yes", f"{stack.service}-{what}"),
        )
        assert done.returncode == 0, done.stderr[-3000:]
    return log.read_text(encoding="utf-8").splitlines()


def _stand_in(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def _balancer(stack: Stack) -> str:
    return f"k8s-{stack.service}"


def fill(stack: Stack) -> None:
    """A load balancer, an image, log files and a record, as controllers and deploys leave them."""
    client = stack.emulator.client
    ec2, elb = client("ec2", stack.region), client("elbv2", stack.region)
    public = ec2.describe_subnets(Filters=[{"Name": "tag:Tier", "Values": ["public"]}])["Subnets"]
    cluster = client("eks", stack.region).list_clusters()["clusters"][0]
    elb.create_load_balancer(
        Name=_balancer(stack),
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
