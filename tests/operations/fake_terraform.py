"""A terraform whose applies leave in the emulated AWS what the commands read there: buckets, roles, contracts, a cluster.

It records its calls in terraform.jsonl beside it. `terraform-fails` names a root whose next apply breaks off in the middle.
"""

# boto3 carries no types.
# mypy: disable-error-code="import-untyped"

import json
import re
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
REGION = "ap-southeast-1"
TRUST = "{}"


def aws(service: str) -> Any:
    """A client of the emulator that the environment names."""
    import boto3  # noqa: PLC0415  most calls need no client, and the import takes a quarter of a second

    return boto3.client(service, region_name=REGION)


def bootstrap(_project: Path, _environment: str) -> None:
    """The bucket of the states, and the roles."""
    bucket = f"shop-tfstate-123456789012-{REGION}"
    aws("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    known = {role["RoleName"] for role in aws("iam").list_roles()["Roles"]}
    for role in {"shop-plan", "shop-dev-deploy", "shop-dev-apply"} - known:
        aws("iam").create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)


def platform(project: Path, environment: str) -> None:
    """The cluster, its add-ons and the platform's contract."""
    if "shop-dev" not in aws("eks").list_clusters()["clusters"]:
        network = {"subnetIds": [subnet["SubnetId"] for subnet in aws("ec2").describe_subnets()["Subnets"][:2]]}
        aws("eks").create_cluster(name="shop-dev", roleArn="arn:aws:iam::123456789012:role/eks", resourcesVpcConfig=network)
    text = (project / "infra/platform/variables_cluster.tf").read_text(encoding="utf-8")
    for name, version in re.findall(r'([\w-]+)\s*= "(v[\d.]+-eksbuild[.]\d+)"', text):
        if name not in aws("eks").list_addons(clusterName="shop-dev")["addons"]:
            aws("eks").create_addon(clusterName="shop-dev", addonName=name, addonVersion=version)
    contract = {"version": 1, "region": REGION, "cluster_name": "shop-dev", "vpc_id": "vpc-1", "environment": environment}
    publish(f"/platform/shop/{environment}/contract", contract)


def service(project: Path, environment: str) -> None:
    """Registries, secrets, zone, certificate, alarms and the contract."""
    for name in ("api", "worker", "migrate"):
        create(aws("ecr").create_repository, repositoryName=f"shop/{environment}/{name}")
    for name in ("database-app", "database-migrations", "database-master"):
        login = json.dumps({"username": name, "password": "secret"})
        create(aws("secretsmanager").create_secret, Name=f"shop/{environment}/{name}", SecretString=login)
    text = (project / f"infra/environments/{environment}.service.tfvars").read_text(encoding="utf-8")
    domain = re.findall(r'^domain\s*=\s*"(.*)"', text, re.MULTILINE)[0]
    local = (project / f"infra/environments/{environment}.service.local.tfvars").read_text(encoding="utf-8")
    delegated = bool(re.search(r"^domain_delegated\s*=\s*true", local, re.MULTILINE))
    arn = ""
    if domain:
        zones = [zone["Name"] for zone in aws("route53").list_hosted_zones()["HostedZones"]]
        if f"{domain}." not in zones:
            aws("route53").create_hosted_zone(Name=domain, CallerReference=domain)
        arn = aws("acm").request_certificate(DomainName=domain, ValidationMethod="DNS", IdempotencyToken="once")["CertificateArn"]
    watch(environment)
    example = json.loads((project / "deploy/contract.example.json").read_text(encoding="utf-8"))
    registry = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/shop/{environment}"
    values = {
        "service": "shop",
        "environment": environment,
        "region": REGION,
        "namespace": "shop",
        "cluster_name": "shop-dev",
        "database_host": "db.example.internal",
        "cache_host": "cache.example.internal",
        "host": domain,
        **{f"{name}_repository_url": f"{registry}/{name}" for name in ("api", "worker", "migrate")},
        "certificate_arn": arn if delegated else "",
        "database_app_secret": f"shop/{environment}/database-app",
        "database_migrations_secret": f"shop/{environment}/database-migrations",
        "database_master_secret_arn": f"shop/{environment}/database-master",
    }
    publish(f"/service/shop/{environment}/contract", example | values)


def watch(environment: str) -> None:
    """A topic that tells somebody, and an alarm that uses it."""
    topic = aws("sns").create_topic(Name=f"shop-{environment}-alerts")["TopicArn"]
    aws("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="alerts@example.com")
    aws("cloudwatch").put_metric_alarm(
        AlarmName=f"shop-{environment}-database-cpu", AlarmActions=[topic], Namespace="AWS/RDS", MetricName="CPUUtilization",
        ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, Period=60, Statistic="Average", Threshold=80,
    )  # fmt: skip


def publish(name: str, document: object) -> None:
    """Write a contract."""
    aws("ssm").put_parameter(Name=name, Value=json.dumps(document), Type="String", Overwrite=True)


def create(call: Any, **arguments: Any) -> None:
    """Create what is not there."""
    try:
        call(**arguments)
    except Exception as error:  # boto3's classes are made when it runs
        if "Exists" not in type(error).__name__:
            raise


def main() -> None:
    """Record, and do what the command does."""
    arguments = sys.argv[1:]
    if arguments == ["version", "-json"]:
        print('{"terraform_version": "1.11.4"}')  # noqa: T201  its standard output is the answer
        return
    folder = Path(arguments[0].removeprefix("-chdir="))
    root, command = folder.name, arguments[1]
    with (FOLDER / "terraform.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps([root, *arguments[1:]]) + "\n")
    state = FOLDER / f"terraform-{root}"
    values = "".join(sorted(path.read_text(encoding="utf-8") for path in (folder.parent / "environments").glob("*.tfvars")))
    if root != "service":
        values = ""
    if command == "plan":
        (out,) = (argument.removeprefix("-out=") for argument in arguments if argument.startswith("-out="))
        (folder / out).write_text("plan", encoding="utf-8")
        applied = state.exists() and state.read_text(encoding="utf-8") == values
        sys.exit(0 if applied else 2)
    if command == "apply":
        fails = FOLDER / "terraform-fails"
        if fails.exists() and fails.read_text(encoding="utf-8") == root:
            fails.unlink()
            if root == "bootstrap":
                (folder / "terraform.tfstate").write_text("{}", encoding="utf-8")
            sys.exit("Error: creating: RequestLimitExceeded")
        {"bootstrap": bootstrap, "platform": platform, "service": service}[root](folder.parents[1], "dev")
        state.write_text(values, encoding="utf-8")


main()
