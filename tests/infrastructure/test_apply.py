"""Every root is applied on an emulated AWS, looked at through its API, planned again, and destroyed: minutes, so marked slow.

`pytest -m slow tests/infrastructure/test_apply.py` runs it alone. The time of each step is printed at the end.
"""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from tests.harness import Renderer
from tests.infrastructure.emulator import ACCOUNT
from tests.infrastructure.leftovers import standing
from tests.infrastructure.recording import of_projects
from tests.infrastructure.scenarios import ENVIRONMENTS, GUEST, PRODUCTION, REGIONS, SANDBOX, Applied, applied
from tests.infrastructure.stack import Stack
from tests.infrastructure.teardown import ingress_goes, take_down
from tests.infrastructure.terraform import AT_ONCE
from tests.infrastructure.test_policies import RECORDED

pytestmark = pytest.mark.slow

SCENARIOS = [PRODUCTION, SANDBOX, GUEST]
ROOTS = [
    pytest.param(scenario, root, id=f"{scenario}-{root}")
    for scenario in SCENARIOS
    for root in ("bootstrap", "platform", "service")
    if (scenario, root) != (GUEST, "platform")
]


@pytest.fixture(scope="module")
def stacks(render: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    with applied(render, tmp_path_factory.mktemp("applied")) as found:
        yield found
    print("\nseconds: " + ", ".join(f"{step} {seconds:.0f}" for step, seconds in found.seconds.items()))  # noqa: T201  the report


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_root_applies(scenario: str, stacks: Applied) -> None:
    environment = ENVIRONMENTS[scenario]
    keys = {"bootstrap.tfstate"} | {f"{environment}/{root}.tfstate" for root in stacks[scenario].roots[1:]}
    assert set(stacks[scenario].states()) == keys


Changes = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def second_plans(stacks: Applied) -> Iterator[dict[tuple[str, str], Future[Changes]]]:
    """Plan each root again, two at a time, and yield the changes."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            (scenario, root): pool.submit(stacks.timed, f"{scenario} second plan {root}", partial(stacks[scenario].changes, root))
            for scenario in SCENARIOS
            for root in stacks[scenario].roots
        }


@pytest.mark.parametrize(("scenario", "root"), ROOTS)
def test_a_second_plan_changes_nothing(scenario: str, root: str, second_plans: dict[tuple[str, str], Future[Changes]]) -> None:
    changes = second_plans[scenario, root].result()
    found = {address: _difference(change) for address, change in changes.items()}
    assert not found, json.dumps(found, indent=1)


def _difference(change: dict[str, Any]) -> dict[str, Any]:
    before, after = change["before"] or {}, change["after"] or {}
    return {name: (before.get(name), after.get(name)) for name in {*before, *after} if before.get(name) != after.get(name)}


def secrets(stack: Stack) -> dict[str, str]:
    """Every secret value in the account, by its location."""
    client = stack.emulator.client("secretsmanager", stack.region)
    found: dict[str, str] = {}
    for secret in client.list_secrets()["SecretList"]:
        text = client.get_secret_value(SecretId=secret["ARN"])["SecretString"]
        value = json.loads(text)
        found |= {f"{secret['Name']} {name}": word for name, word in value.items() if name in {"password", "secret"}}
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_state_and_no_plan_holds_a_secret(scenario: str, stacks: Applied) -> None:
    stack = stacks[scenario]
    values = secrets(stack)
    names = {f"{stack.service}/{stack.environment}/{name}" for name in ("cache", "database-app", "database-master", "database-migrations")}
    names = {f"{name} password" for name in names}
    names |= {f"{stack.service}/{stack.environment}/{name} secret" for name in ("jwt-signing", "session")}
    assert names <= set(values)
    files = stack.states() | {path.name: path.read_bytes() for path in stack.project.glob("infra/*/*.tfplan")}
    assert files
    assert [(where, name) for where, content in files.items() for name, value in values.items() if value.encode() in content] == []


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_states_lie_encrypted_under_the_buckets_own_key(scenario: str, stacks: Applied) -> None:
    stack = stacks[scenario]
    s3 = stack.emulator.client("s3", stack.region)
    keys = {each["description"]: each["arn"] for each in stack.resources("bootstrap.tfstate") if each["type"] == "aws_kms_key"}
    key = keys[f"Terraform states of {stack.service}"]
    for name in stack.states():
        described = s3.head_object(Bucket=stack.bucket, Key=name)
        assert (described["ServerSideEncryption"], described["SSEKMSKeyId"]) == ("aws:kms", key)
    assert s3.get_bucket_versioning(Bucket=stack.bucket)["Status"] == "Enabled"


def test_a_lock_refuses_a_second_apply_until_it_is_gone(stacks: Applied) -> None:
    stack = stacks[SANDBOX]
    s3 = stack.emulator.client("s3", stack.region)
    lock = {"Bucket": stack.bucket, "Key": "dev/service.tfstate.tflock"}
    held = {"ID": "11111111-2222-3333-4444-555555555555", "Operation": "OperationTypeApply", "Who": "somebody@else", "Version": "1.11.4"}
    s3.put_object(**lock, Body=json.dumps(held))
    refused = stack.terraform("service", "apply", "-auto-approve", "-input=false", "-no-color")
    assert refused.returncode == 1
    assert "Error acquiring the state lock" in refused.stderr
    assert "somebody@else" in refused.stderr
    s3.delete_object(**lock)
    stack.apply("service")
    assert not [key for key in stack.states() if key.endswith(".tflock")]


def contract(stack: Stack, name: str) -> dict[str, Any]:
    """A published contract. Raises AssertionError when it is too long for a standard parameter."""
    parameter = stack.emulator.client("ssm", stack.region).get_parameter(Name=name)["Parameter"]
    assert len(parameter["Value"].encode()) <= 4096
    found: dict[str, Any] = json.loads(parameter["Value"])
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_contract_leads_to_what_stands_there(scenario: str, stacks: Applied) -> None:
    stack = stacks[scenario]
    found = contract(stack, f"/service/{stack.service}/{stack.environment}/contract")
    cluster = stack.emulator.client("eks", stack.region).describe_cluster(name=found["cluster_name"])["cluster"]
    assert cluster["status"] == "ACTIVE"
    (database,) = stack.emulator.client("rds", stack.region).describe_db_instances(
        DBInstanceIdentifier=f"{stack.service}-{stack.environment}"
    )["DBInstances"]
    assert database["Endpoint"]["Address"] == found["database_host"]
    held = {each["Name"] for each in stack.emulator.client("secretsmanager", stack.region).list_secrets()["SecretList"]}
    assert {value for name, value in found.items() if name.endswith("_secret")} <= held
    repositories = stack.emulator.client("ecr", stack.region).describe_repositories()["repositories"]
    assert {found[f"{image}_repository_url"] for image in ("api", "migrate", "worker")} <= {each["repositoryUri"] for each in repositories}


def test_two_services_share_nothing_but_the_platform(stacks: Applied) -> None:
    host, guest = stacks[SANDBOX], stacks[GUEST]
    key = "dev/service.tfstate"
    ours, theirs = (
        {(each["type"], each.get("arn") or each["id"]) for each in stack.resources(key) if each["type"] != "terraform_data"}
        for stack in (host, guest)
    )
    assert len(ours) > 50
    assert len(theirs) > 50
    assert ours & theirs == set()
    first, second = (contract(stack, f"/service/{stack.service}/dev/contract") for stack in (host, guest))
    platform = contract(host, "/platform/cart/dev/contract")
    same = {name for name in first if first[name] == second[name]}
    fixed = {"version", "environment", "region", "account_id", "database_name", "database_port", "cache_port", "certificate_arn", "host"}
    assert same == fixed | {name for name in first if name in platform}


def test_production_stands_in_every_zone_and_keeps_copies_elsewhere(stacks: Applied) -> None:
    stack = stacks[PRODUCTION]
    ec2, rds = (stack.emulator.client(service, stack.region) for service in ("ec2", "rds"))
    nats = {nat["NatGatewayId"]: nat["SubnetId"] for nat in ec2.describe_nat_gateways()["NatGateways"]}
    zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in ec2.describe_subnets()["Subnets"]}
    tables = [table for table in ec2.describe_route_tables()["RouteTables"] if table["Associations"]]
    ways = {
        (zones[association["SubnetId"]], zones[nats[route["NatGatewayId"]]])
        for table in tables
        for route in table["Routes"]
        if route.get("NatGatewayId")
        for association in table["Associations"]
    }
    assert len(ways) == 3
    assert all(private == public for private, public in ways), "each zone goes out through its own NAT"
    primary, replica = sorted(rds.describe_db_instances()["DBInstances"], key=lambda each: each["DBInstanceIdentifier"])
    assert (primary["MultiAZ"], primary["StorageEncrypted"], primary["PubliclyAccessible"], primary["DeletionProtection"]) == (
        True,
        True,
        False,
        True,
    )
    assert primary["BackupRetentionPeriod"] >= 7
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == primary["DBInstanceIdentifier"]
    (plan,) = stack.emulator.client("backup", stack.region).list_backup_plans()["BackupPlansList"]
    rule = stack.emulator.client("backup", stack.region).get_backup_plan(BackupPlanId=plan["BackupPlanId"])["BackupPlan"]["Rules"][0]
    assert ":backup:ap-southeast-2:" in rule["CopyActions"][0]["DestinationBackupVaultArn"]


def replica_away(stack: Stack) -> dict[str, Any]:
    """The replica of a stack's database in the second region."""
    rds = stack.emulator.client("rds", REGIONS[1])
    (found,) = rds.describe_db_instances(DBInstanceIdentifier=f"{stack.service}-{stack.environment}-dr-replica")["DBInstances"]
    return dict(found)


@pytest.mark.parametrize("scenario", [PRODUCTION, GUEST])
def test_the_second_region_follows_the_database(scenario: str, stacks: Applied) -> None:
    stack, replica = stacks[scenario], replica_away(stacks[scenario])
    source = f"arn:aws:rds:{stack.region}:{ACCOUNT}:db:{stack.service}-{stack.environment}"
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == source
    assert (replica["StorageEncrypted"], replica["PubliclyAccessible"]) == (True, False)
    assert f":kms:{REGIONS[1]}:" in replica["KmsKeyId"]
    tiers = {
        tag["Value"]
        for subnet in stack.emulator.client("ec2", REGIONS[1]).describe_subnets(
            SubnetIds=[each["SubnetIdentifier"] for each in replica["DBSubnetGroup"]["Subnets"]]
        )["Subnets"]
        for tag in subnet.get("Tags", [])
        if tag["Key"] == "Tier"
    }
    assert tiers == ({"database"} if scenario == GUEST else set()), "production's is in the second platform's subnets"


def test_the_host_name_fails_over_to_the_second_platform(stacks: Applied) -> None:
    stack = stacks[PRODUCTION]
    dns = stack.emulator.client("route53", stack.region)
    (zone,) = dns.list_hosted_zones()["HostedZones"]
    records = dns.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    (second,) = (record for record in records if record.get("Failover") == "SECONDARY")
    assert (second["SetIdentifier"], second["AliasTarget"]["EvaluateTargetHealth"]) == (REGIONS[1], True)
    (check,) = dns.list_health_checks()["HealthChecks"]
    found = contract(stack, "/service/shop/production/contract")
    told = (found["dns_failover"], found["dns_set_identifier"], found["dns_health_check_id"])
    assert told == ("PRIMARY", stack.region, check["Id"])
    assert check["HealthCheckConfig"]["AlarmIdentifier"] == {"Region": stack.region, "Name": "shop-production-pods"}


def test_production_is_watched_guarded_and_may_send_mail(stacks: Applied) -> None:
    stack = stacks[PRODUCTION]
    (trail,) = stack.emulator.client("cloudtrail", stack.region).describe_trails()["trailList"]
    assert (trail["IsMultiRegionTrail"], trail["LogFileValidationEnabled"]) == (True, True)
    (acl,) = stack.emulator.client("wafv2", stack.region).list_web_acls(Scope="REGIONAL")["WebACLs"]
    assert contract(stack, "/service/shop/production/contract")["firewall_acl_arn"] == acl["ARN"]
    identity = stack.emulator.client("sesv2", stack.region).get_email_identity(EmailIdentity="api.example.com")
    assert identity["MailFromAttributes"]["MailFromDomain"] == "bounce.api.example.com"
    dns = stack.emulator.client("route53", stack.region)
    (zone,) = dns.list_hosted_zones()["HostedZones"]
    records = {record["Name"] for record in dns.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]}
    assert {f"{token}._domainkey.api.example.com." for token in identity["DkimAttributes"]["Tokens"]} <= records
    found = stack.emulator.client("cloudwatch", stack.region).describe_alarms()
    combined = " ".join(alarm["AlarmRule"] for alarm in found["CompositeAlarms"])
    assert combined
    silent = [alarm["AlarmName"] for alarm in found["MetricAlarms"] if not alarm["AlarmActions"]]
    assert not [name for name in silent if f'ALARM("{name}")' not in combined]


def test_the_dashboard_and_the_odd_spending_are_there(stacks: Applied) -> None:
    stack = stacks[PRODUCTION]
    dashboard = stack.emulator.client("cloudwatch", stack.region).get_dashboard(DashboardName="shop-production")
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    assert len(widgets) > 25
    assert {metric[0] for widget in widgets for metric in widget["properties"].get("metrics", []) if isinstance(metric[0], str)} == {
        "AWS/ElastiCache",
        "AWS/Logs",
        "AWS/RDS",
        "ContainerInsights",
        "shop",
    }
    costs = stack.emulator.client("ce", "us-east-1")
    (subscription,) = costs.get_anomaly_subscriptions()["AnomalySubscriptions"]
    (monitor,) = costs.get_anomaly_monitors()["AnomalyMonitors"]
    assert subscription["MonitorArnList"] == [monitor["MonitorArn"]]


def test_the_cluster_has_its_add_ons_nodes_and_identities(stacks: Applied) -> None:
    eks = stacks[PRODUCTION].emulator.client("eks", stacks[PRODUCTION].region)
    assert set(eks.list_nodegroups(clusterName="shop-production")["nodegroups"]) == {"on-demand", "spot"}
    assert "amazon-cloudwatch-observability" in eks.list_addons(clusterName="shop-production")["addons"]
    links = eks.list_pod_identity_associations(clusterName="shop-production")["associations"]
    accounts = {(link["namespace"], link["serviceAccount"]) for link in links}
    assert {("shop", name) for name in ("api", "migrate", "worker")} <= accounts
    assert ("kube-system", "aws-load-balancer-controller") in accounts
    (entry,) = eks.list_access_entries(clusterName="shop-production")["accessEntries"]
    assert entry.endswith(":role/shop-production-deploy")


def test_the_sandbox_sleeps_at_night(stacks: Applied) -> None:
    scheduler = stacks[SANDBOX].emulator.client("scheduler", stacks[SANDBOX].region)
    found = {schedule["Name"]: schedule["GroupName"] for schedule in scheduler.list_schedules()["Schedules"]}
    assert found["stopDBInstance"] == "cart-dev-database"
    assert found["on-demand-down"] == "cart-dev-nodes"


# Resources that `destroy` keeps on purpose.
LEFT = {
    PRODUCTION: {
        "ap-southeast-1 rds DBSnapshots shop-production-final": "the final state of the database",
        "ap-southeast-1 kms key Audit trail of the account, by shop": "reads the trail's files",
        "ap-southeast-1 kms Aliases alias/shop-audit": "the same key's name",
        "s3 Buckets shop-audit-123456789012": "its files are locked against deletion",
    },
    SANDBOX: {
        "ap-southeast-1 rds DBSnapshots cart-dev-final": "the final state of the database",
        "ap-southeast-1 rds DBSnapshots guest-dev-final": "the same, of the second service",
    },
}


@pytest.fixture(scope="module")
def destroyed(stacks: Applied) -> dict[str, list[str]]:
    """Everything is destroyed, in the end; what each scenario's script told kubectl to do."""
    return take_down(stacks)


@pytest.mark.parametrize("scenario", [PRODUCTION, SANDBOX])
def test_destroy_leaves_nothing_but_what_is_named(scenario: str, stacks: Applied, destroyed: dict[str, list[str]]) -> None:
    assert destroyed
    left = standing(stacks.stacks[scenario].emulator, *REGIONS) - stacks.before[scenario]
    assert left == set(LEFT[scenario])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_ingress_goes_before_the_cluster(scenario: str, stacks: Applied, destroyed: dict[str, list[str]]) -> None:
    service = stacks.stacks[scenario].service
    assert destroyed[scenario] == ingress_goes(service)


def test_the_recorded_calls_are_all_calls(stacks: Applied, destroyed: dict[str, list[str]]) -> None:
    """`test_policies` tries them on the boundaries. Keep `recorded_calls.txt` in order: add missing calls, remove those not made."""
    assert destroyed
    recorded = set(RECORDED.read_text(encoding="utf-8").splitlines())
    found = set().union(*map(of_projects, stacks.requests.values()))
    assert sorted(found - recorded) == []
    assert sorted(recorded - found) == []
