"""The applied scenarios: production with every option, and a sandbox with off-hours whose platform a second service joins."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.harness import Renderer
from tests.infrastructure.emulator import emulated_aws
from tests.infrastructure.leftovers import standing
from tests.infrastructure.stack import Stack

PRODUCTION, SANDBOX, GUEST = "production", "sandbox", "guest"

COMMON = {"github_owner": "acme", "team": "payments", "alert_email": "alerts@example.com"}
ANSWERS: dict[str, dict[str, Any]] = {
    PRODUCTION: {
        **COMMON,
        "profile": "production",
        "service": "shop",
        "platform_name": "shop",
        "domain": "api.example.com",
        "environments": ["production"],
        "audit_trail": True,
        "db_read_replica": True,
        "dr_region": "ap-southeast-2",
        "mail": "ses",
        "spot": True,
        "waf": True,
    },
    SANDBOX: {**COMMON, "profile": "sandbox", "service": "cart", "platform_name": "cart", "off_hours_shutdown": "nights-and-weekends"},
    # A second service in the sandbox's account, on the platform of the first. Its second region has no platform; production's has one.
    GUEST: {
        **COMMON,
        "profile": "sandbox",
        "service": "guest",
        "platform": "join",
        "platform_name": "cart",
        "db_read_replica": True,
        "dr_region": "ap-southeast-2",
    },
}
ENVIRONMENTS = {PRODUCTION: "production", SANDBOX: "dev", GUEST: "dev"}
REGIONS = ("ap-southeast-1", "ap-southeast-2")
"""Where anything may stand: the first region, and the one of the copies."""

HOSTS = {GUEST: SANDBOX}
"""Scenarios that live in another's account."""


@dataclass
class Applied:
    """Stacks that are being applied in the background, what stood in each account before, and how long each step took (seconds)."""

    stacks: dict[str, Stack]
    done: dict[str, Future[None]]
    before: dict[str, set[str]]
    requests: dict[str, Path]
    """The requests to each account: files that `recording` reads."""

    seconds: dict[str, float] = field(default_factory=dict)

    def __getitem__(self, scenario: str) -> Stack:
        """A stack whose roots are all applied. Raises AssertionError with Terraform's words when one was not."""
        self.done[scenario].result()
        return self.stacks[scenario]

    def timed(self, step: str, work: Callable[[], Any]) -> Any:
        """Do a step and write down how long it took."""
        start = time.monotonic()
        try:
            return work()
        finally:
            self.seconds[step] = time.monotonic() - start


def second_platform(stack: Stack) -> None:
    """A platform in the second region with its load balancer, as far as the service sees it; and the answers that name them."""
    ec2, elb = (stack.emulator.client(service, REGIONS[1]) for service in ("ec2", "elbv2"))
    subnets = ec2.describe_subnets()["Subnets"][:2]
    contract = {
        "version": 1,
        "region": REGIONS[1],
        "vpc_id": subnets[0]["VpcId"],
        "database_subnet_ids": [subnet["SubnetId"] for subnet in subnets],
        "cluster_security_group_id": ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],
    }
    name = f"/platform/second/{stack.environment}/contract"
    stack.emulator.client("ssm", REGIONS[1]).put_parameter(Name=name, Value=json.dumps(contract), Type="String")
    elb.create_load_balancer(Name="k8s-second", Subnets=contract["database_subnet_ids"])
    set_own(stack, "service", 'dr_platform = "second"\ndr_load_balancer = "k8s-second"\n')


def watch_spending(stack: Stack) -> None:
    """Turn on what an account refuses until somebody has opened Cost Explorer there."""
    set_own(stack, "platform", 'anomaly_detection = "services"\n')


def set_own(stack: Stack, root: str, values: str) -> None:
    """Add values to the file that is the team's."""
    with (stack.project / f"infra/environments/{stack.environment}.{root}.local.tfvars").open("a", encoding="utf-8") as file:
        file.write(values)


@contextmanager
def applied(render: Renderer, folder: Path) -> Iterator[Applied]:
    """Apply all scenarios: two accounts, each an emulator of its own, side by side."""
    with ExitStack() as stack:
        clouds = {name: stack.enter_context(emulated_aws(folder / f"{name}.log", record=True)) for name in ANSWERS if name not in HOSTS}
        stacks = {
            name: Stack(
                emulator=clouds[HOSTS.get(name, name)],
                project=render.workspace(folder / name, answers),
                service=answers["service"],
                environment=ENVIRONMENTS[name],
            )
            for name, answers in ANSWERS.items()
        }
        second_platform(stacks[PRODUCTION])
        watch_spending(stacks[PRODUCTION])
        # Everything that is created from here on belongs to a scenario.
        pool = stack.enter_context(ThreadPoolExecutor(len(clouds)))
        requests = {name: folder / f"{name}.calls" for name in clouds}
        found = Applied(stacks, {}, {name: standing(cloud, *REGIONS) for name, cloud in clouds.items()}, requests)

        def apply(name: str) -> None:
            for root in stacks[name].roots:
                found.timed(f"{name} apply {root}", partial(stacks[name].apply, root))

        def apply_guest(name: str) -> None:
            found.done[HOSTS[name]].result()
            apply(name)

        for name in sorted(ANSWERS, key=HOSTS.__contains__):
            found.done[name] = pool.submit(apply_guest if name in HOSTS else apply, name)
        yield found
