"""The planned variants: every environment of the four profiles, everything at once, other regions and ranges, and a service that joins."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EVERYTHING = "everything-of-full-width"
"""The variant with every option; its name is as long as a service's may be, so that derived names meet their limits."""

LARGE = {"production", "regulated", EVERYTHING}
"""Variants with the sizes and options of the larger profiles."""

OPTIONS: dict[str, Any] = {
    "audit_trail": True,
    "db_read_replica": True,
    "dr_region": "ap-southeast-2",
    "interface_endpoints": True,
    "mail": "ses",
    "off_hours_shutdown": "weekends",
    "spot": True,
    "tracing": True,
    "waf": True,
}

ANSWERS: dict[str, dict[str, Any]] = {
    "sandbox": {"profile": "sandbox"},
    "startup": {"profile": "startup"},
    "production": {"profile": "production", "domain": "api.example.com"},
    "regulated": {"profile": "regulated", "domain": "api.example.com"},
    EVERYTHING: {"profile": "production", "domain": "api.example.com", "environments": ["dev", "production"], **OPTIONS},
    "elsewhere": {
        "api_public_cidrs": ["203.0.113.0/24"],
        "aws_region": "us-east-1",
        "az_count": 2,
        "environments": ["dev"],
        "nat_gateways": 2,
        "vpc_cidr": "192.168.0.0/18",
    },
    "joined": {"platform": "join", "platform_name": "shared", "environments": ["production"]},
}
ENVIRONMENTS = {
    "sandbox": ("dev",),
    "startup": ("dev", "production"),
    "production": ("dev", "staging", "production"),
    "regulated": ("dev", "staging", "production"),
    EVERYTHING: ("dev", "production"),
    "elsewhere": ("dev",),
    "joined": ("production",),
}
# Each variant has a separate name, so that none reads another's contract.
VARIANTS: dict[str, dict[str, Any]] = {
    name: {"service": name, "platform_name": name, "team": "payments", **answers} for name, answers in ANSWERS.items()
}
KNOWN = dict(VARIANTS)
"""Answers by the name that a case gives; other modules add theirs."""


@dataclass(frozen=True)
class Case:
    """One root of one environment of a variant."""

    variant: str
    root: str
    environment: str

    @property
    def region(self) -> str:
        """The region that was answered."""
        return str(KNOWN[self.variant].get("aws_region", "ap-southeast-1"))

    @property
    def joins(self) -> bool:
        """Whether the service runs on another's platform."""
        return KNOWN[self.variant].get("platform") == "join"

    def var_files(self, environments: Path) -> list[Path]:
        """Return the files of answers in `environments`, and last those with the team's values."""
        name = "bootstrap" if self.root == "bootstrap" else f"{self.environment}.{self.root}"
        local = environments / f"{name}.local.tfvars"
        files = [environments / f"{name}.tfvars", *sorted(set(environments.glob(f"{name}.*.tfvars")) - {local})]
        if self.root == "bootstrap":
            files.append(environments / "github.tfvars")
        return [*files, local]

    def arguments(self) -> list[str]:
        """Return the tests' additions to the answers: an owner, since bootstrap refuses the placeholder."""
        if self.root != "bootstrap":
            return []
        return ["-var=github_owner=acme", "-var=github_owner_id=1001", "-var=github_repository_id=2002"]

    def __str__(self) -> str:
        return f"{self.variant}-{self.environment}-{self.root}"


def cases(*roots: str) -> list[Case]:
    """Return every case of every Terraform root."""
    return [case for variant, environments in ENVIRONMENTS.items() for case in cases_of(variant, environments, *roots)]


def cases_of(variant: str, environments: Iterable[str], *roots: str) -> list[Case]:
    """The cases of one set of answers."""
    found = []
    for root in roots:
        if root == "bootstrap":
            found.append(Case(variant, root, "account"))
        elif not (root == "platform" and KNOWN[variant].get("platform") == "join"):
            found += [Case(variant, root, environment) for environment in environments]
    return found
