"""The network of row I1: three tiers over the chosen zones, NAT by count, and a database tier without a way out."""

from ipaddress import ip_network
from itertools import combinations

import pytest

from tests.infrastructure.terraform import Planner
from tests.infrastructure.variants import EVERYTHING, Case, cases

PLATFORMS = [pytest.param(case, id=str(case)) for case in cases("platform")]

# Zones, NAT gateways and VPC block that the profiles promise for each environment.
ZONES = {"sandbox": 2, "elsewhere": 2}
NATS = {
    ("elsewhere", "dev"): 2,
    ("startup", "production"): 2,
    ("production", "production"): 3,
    ("regulated", "production"): 3,
    (EVERYTHING, "production"): 3,
}
BLOCKS = {"production": "10.0.0.0/16", "staging": "10.1.0.0/16", "dev": "10.2.0.0/16"}
ELSEWHERE = "192.168.128.0/18"
"""dev takes the block after the next one, of the size that was answered."""
NETWORK = "module.network."


@pytest.mark.parametrize("case", PLATFORMS)
def test_each_tier_has_one_subnet_a_zone(case: Case, plans: Planner) -> None:
    plan, zones = plans(case), ZONES.get(case.variant, 3)
    assert plan.one("aws_vpc")["cidr_block"] == (ELSEWHERE if case.variant == "elsewhere" else BLOCKS[case.environment])
    subnets = plan.of("aws_subnet")
    assert len(subnets) == 3 * zones
    for tier in ("public", "private", "database"):
        mine = [subnet for subnet in subnets if subnet["tags"]["Tier"] == tier]
        assert len({subnet["availability_zone"] for subnet in mine}) == zones == len(mine)


@pytest.mark.parametrize("case", PLATFORMS)
def test_subnets_lie_in_the_vpc_and_apart(case: Case, plans: Planner) -> None:
    vpc = ip_network(plans(case).one("aws_vpc")["cidr_block"])
    subnets = [ip_network(subnet["cidr_block"]) for subnet in plans(case).of("aws_subnet")]
    assert all(subnet.subnet_of(vpc) for subnet in subnets)  # type: ignore[arg-type]  # both are IPv4
    assert not [pair for pair in combinations(subnets, 2) if pair[0].overlaps(pair[1])]


@pytest.mark.parametrize("case", PLATFORMS)
def test_nat_gateways_stand_in_zones_of_their_own_and_serve_every_zone(case: Case, plans: Planner) -> None:
    plan, zones = plans(case), ZONES.get(case.variant, 3)
    nats = plan.of("aws_nat_gateway")
    assert len({nat.key for nat in nats}) == NATS.get((case.variant, case.environment), 1) == len(nats)
    assert len(plan.of("aws_eip")) == len(nats)
    outward = [route for route in plan.of("aws_route") if ".aws_route.private" in route.address]
    assert len({route.key for route in outward}) == zones == len(outward)


@pytest.mark.parametrize("case", PLATFORMS)
def test_only_nat_and_load_balancer_use_public_subnets(case: Case, plans: Planner) -> None:
    plan = plans(case)
    users = {address for address, block in plan.blocks() if "aws_subnet.public" in str(block.get("expressions"))}
    assert users == {f"{NETWORK}aws_nat_gateway.this"}
    assert not [subnet for subnet in plan.of("aws_subnet") if subnet["map_public_ip_on_launch"]]
    calls = plan.document["configuration"]["root_module"]["module_calls"]
    assert not [name for name, call in calls.items() if "public_subnets" in str(call.get("expressions"))]


@pytest.mark.parametrize("case", PLATFORMS)
def test_the_database_tier_has_no_way_out(case: Case, plans: Planner) -> None:
    routes = {
        address: str(block["expressions"]["route_table_id"]) for address, block in plans(case).blocks() if block["type"] == "aws_route"
    }
    assert set(routes) == {f"{NETWORK}aws_route.public", f"{NETWORK}aws_route.private"}
    assert not [address for address, table in routes.items() if "database" in table]


@pytest.mark.parametrize("case", PLATFORMS)
def test_s3_goes_through_a_gateway_and_other_endpoints_are_a_choice(case: Case, plans: Planner) -> None:
    endpoints = plans(case).of("aws_vpc_endpoint")
    assert [endpoint for endpoint in endpoints if endpoint["service_name"] == f"com.amazonaws.{case.region}.s3"]
    private = [endpoint for endpoint in endpoints if endpoint["vpc_endpoint_type"] == "Interface"]
    assert bool(private) == (case.environment == "production" and case.variant in {"regulated", EVERYTHING})


@pytest.mark.parametrize("case", PLATFORMS)
def test_connections_are_logged_and_the_default_group_is_closed(case: Case, plans: Planner) -> None:
    plan = plans(case)
    assert plan.one("aws_flow_log")["traffic_type"] == "ALL"
    closed = plan.one("aws_default_security_group")
    assert not closed["ingress"]
    assert not closed["egress"]
