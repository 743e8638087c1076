"""Row R4: the resources in a second region, without a platform there and with one."""

import json
from collections.abc import Iterator

import pytest

from tests.infrastructure.terraform import Plan, Planner
from tests.infrastructure.variants import EVERYTHING, Case

PRODUCTION, DEV = Case(EVERYTHING, "service", "production"), Case(EVERYTHING, "service", "dev")
AWAY = "ap-southeast-2"
PLATFORM = {
    "version": 1,
    "region": AWAY,
    "vpc_id": "vpc-0a",
    "database_subnet_ids": ["subnet-0a", "subnet-0b"],
    "cluster_security_group_id": "sg-0a",
}


@pytest.fixture(scope="module")
def second(plans: Planner) -> str:
    """A platform in the second region, as far as its contract goes."""
    name = "second"
    plans(PRODUCTION)
    plans.emulator.client("ssm", AWAY).put_parameter(
        Name=f"/platform/{name}/production/contract", Value=json.dumps(PLATFORM), Type="String", Overwrite=True
    )
    return name


@pytest.fixture(scope="module")
def load_balancer(plans: Planner) -> Iterator[str]:
    """The second platform's load balancer."""
    name = "k8s-second"
    subnets = [subnet["SubnetId"] for subnet in plans.emulator.client("ec2", AWAY).describe_subnets()["Subnets"]][:2]
    client = plans.emulator.client("elbv2", AWAY)
    (made,) = client.create_load_balancer(Name=name, Subnets=subnets)["LoadBalancers"]
    yield name
    client.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])


def replica(plan: Plan) -> dict[str, object]:
    """Arguments of the replica in the second region."""
    (found,) = (each for each in plan.of("aws_db_instance") if each["identifier"].endswith("-dr-replica"))
    return found.values


def contract(plan: Plan) -> dict[str, object]:
    """Return the contract's values for the host name's record; None is known after apply."""
    known, keys = plan.output("contract")
    return {key: known.get(key) for key in keys if key.startswith("dns_")}


def test_without_a_platform_the_replica_stands_alone_and_nothing_fails_over(plans: Planner) -> None:
    plan = plans(PRODUCTION)
    assert plan.one("aws_vpc").address.startswith("module.replica_network")
    assert len({subnet["availability_zone"] for subnet in plan.of("aws_subnet")}) == 2
    assert {zone["availability_zone"][:-1] for zone in plan.of("aws_subnet")} == {AWAY}
    for way in ("aws_internet_gateway", "aws_nat_gateway", "aws_route", "aws_route_table"):
        assert not plan.of(way)
    assert not plan.of("aws_vpc_security_group_ingress_rule", "module.dr_replica")
    assert not plan.of("aws_vpc_security_group_egress_rule")
    assert plan.one("aws_flow_log")["traffic_type"] == "ALL"
    assert not plan.of("aws_route53_health_check")
    assert contract(plan) == {"dns_failover": "", "dns_set_identifier": "", "dns_health_check_id": ""}


def test_the_replica_has_a_key_and_settings_of_its_own_region(plans: Planner) -> None:
    plan = plans(PRODUCTION)
    settings = plan.one("aws_db_parameter_group", "module.dr_replica")["parameter"]
    assert {"name": "rds.force_ssl", "value": "1"}.items() <= settings[[each["name"] for each in settings].index("rds.force_ssl")].items()
    (call,) = (call for name, call in plan.document["configuration"]["root_module"]["module_calls"].items() if name == "dr_replica")
    assert "module.copy_key" in call["expressions"]["key_arn"]["references"]
    assert "module.database.arn" in call["expressions"]["source_database"]["references"]
    away = [block["provider_config_key"] for address, block in plan.blocks() if address == "module.dr_replica.aws_db_instance.this"]
    assert away == ["aws.dr_region"]


def test_with_a_platform_the_replica_stands_in_its_subnets_behind_its_group(plans: Planner, second: str) -> None:
    plan = plans.with_answers(PRODUCTION, f"dr_platform={second}")
    assert not plan.of("aws_vpc")
    assert plan.one("aws_db_subnet_group", "module.dr_replica")["subnet_ids"] == PLATFORM["database_subnet_ids"]
    assert plan.one("aws_security_group", "module.dr_replica")["vpc_id"] == PLATFORM["vpc_id"]
    rule = plan.one("aws_vpc_security_group_ingress_rule", "module.dr_replica")
    assert (rule["from_port"], rule["to_port"], rule["referenced_security_group_id"]) == (5432, 5432, "sg-0a")
    assert not replica(plan)["publicly_accessible"]


def test_with_a_platform_the_first_record_hangs_on_a_health_check(plans: Planner, second: str) -> None:
    plan = plans.with_answers(PRODUCTION, f"dr_platform={second}")
    check, alarm = plan.one("aws_route53_health_check"), plan.one("aws_cloudwatch_metric_alarm", "aws_cloudwatch_metric_alarm.pods")
    assert (check["type"], check["cloudwatch_alarm_name"], check["cloudwatch_alarm_region"]) == (
        "CLOUDWATCH_METRIC",
        alarm["alarm_name"],
        PRODUCTION.region,
    )
    assert (check["insufficient_data_health_status"], alarm["treat_missing_data"]) == ("Unhealthy", "breaching")
    assert contract(plan) == {"dns_failover": "PRIMARY", "dns_set_identifier": PRODUCTION.region, "dns_health_check_id": None}
    assert not [record for record in plan.of("aws_route53_record") if record["failover_routing_policy"]]


def test_with_its_load_balancer_the_second_record_stands(plans: Planner, second: str, load_balancer: str) -> None:
    plan = plans.with_answers(PRODUCTION, f"dr_platform={second}", f"dr_load_balancer={load_balancer}")
    (record,) = (record for record in plan.of("aws_route53_record") if record["failover_routing_policy"])
    assert (record["name"], record["type"], record["set_identifier"]) == ("api.example.com", "A", AWAY)
    assert record["failover_routing_policy"] == [{"type": "SECONDARY"}]
    assert record["alias"][0]["evaluate_target_health"]
    assert f".{AWAY}." in record["alias"][0]["name"]


def test_an_environment_without_a_second_region_has_nothing_there(plans: Planner) -> None:
    plan = plans(DEV)
    kinds = ("aws_backup_vault", "aws_ecr_replication_configuration", "aws_route53_health_check", "aws_subnet", "aws_vpc")
    assert not [resource for kind in kinds for resource in plan.of(kind)]
    assert AWAY not in json.dumps(plan.document["resource_changes"])
    assert contract(plan) == {"dns_failover": "", "dns_set_identifier": "", "dns_health_check_id": ""}
