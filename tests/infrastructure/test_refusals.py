"""Values that Terraform refuses, each with one sentence that states the remedy."""

from pathlib import Path

import pytest

from tests.infrastructure.terraform import Planner
from tests.infrastructure.variants import EVERYTHING, Case

BOOTSTRAP = Case("startup", "bootstrap", "account")
PLATFORM = Case(EVERYTHING, "platform", "production")
SERVICE = Case(EVERYTHING, "service", "production")

# Each row is one run: Terraform reports all refusals of root variables together. Refusals by modules and AWS come one at a time.
# Argument to the words of its refusal.
REFUSED: list[tuple[Case, dict[str, str]]] = [
    (BOOTSTRAP, {"github_owner=your-github-owner": "still the placeholder", "environments=[]": "names at least one"}),
    (
        BOOTSTRAP,
        {
            "github_owner=Your-GitHub-Owner": "still the placeholder",
            "github_repository_id=": "comes together with github_owner_id",
        },
    ),
    (Case(EVERYTHING, "bootstrap", "account"), {"audit_trail_days=1": "from 90 to 3653"}),
    (
        PLATFORM,
        {
            "environment=prod": "dev, staging or production",
            'api_public_cidrs=["0.0.0.0/0"]': "api_open_to_the_world = true",
            "nat_gateways=4": "from 1 to az_count",
            "vpc_cidr=10.0.0.0/24": "from /16 to /20",
            "node_max=2": "from node_min to 200",
            "log_retention_days=8": "CloudWatch keeps logs",
            'cluster_admin_role_arns=["admin"]': "the ARN of an IAM role",
            'spot_instance_types=["t3.medium"]': "at least 4 types",
            "off_hours_shutdown=sometimes": "none, weekends, nights-and-weekends",
        },
    ),
    (PLATFORM, {"az_count=1": "az_count is 2 or 3", 'api_public_cidrs=["office"]': "a network such as"}),
    (PLATFORM, {"vpc_cidr=10.0.7.0/16": "without host bits"}),
    (PLATFORM, {"node_instance_type=x9.mythical": "zones offer x9.mythical"}),
    (
        SERVICE,
        {
            "service=Shop!": "DNS label",
            "domain=API.example.com": "in lower case",
            "db_backup_days=1": "from 7 to 35",
            "db_storage_gb=5": "from 20 to 16384",
            "cache_groups=three": "one or two",
            "cache_replicas=9": "from 0 to 5",
            'secret_versions={"jwt"=2}': "secret_versions knows",
            "dr_region=ap-southeast-1": "lost with it",
        },
    ),
    (SERVICE, {"region=ap-southeast-2": "lost with it"}),
    (SERVICE, {"dr_region=": "in dr_region, which is empty", "dr_platform=second": "in dr_region, which is empty"}),
    (SERVICE, {"domain=": "no record that could fail over", "dr_platform=second": "needs a domain"}),
    (SERVICE, {"dr_load_balancer=k8s-second": "belongs to dr_platform"}),
    (SERVICE, {"environment=staging": "couldn't find resource"}),
]


@pytest.mark.parametrize(("case", "refused"), REFUSED, ids=[next(iter(refused)) for _, refused in REFUSED])
def test_it_is_refused(case: Case, refused: dict[str, str], plans: Planner) -> None:
    plans(case)  # initialised, and valid without the arguments
    root = plans.folder / case.variant / case.root
    files = [f"-var-file={path}" for path in case.var_files(root.parent / "environments")]
    arguments = [f"-var={argument}" for argument in refused]
    run = plans.run(root, "plan", "-input=false", "-lock=false", "-no-color", *files, *case.arguments(), *arguments)
    assert run.returncode != 0
    said = " ".join(run.stderr.replace("│", " ").split())
    assert {words for words in refused.values() if words not in said} == set(), said


def test_a_contract_of_another_version_is_refused(plans: Planner, tmp_path: Path) -> None:
    case = Case("startup", "service", "production")
    plans(case)
    root = plans.folder / case.variant / case.root
    parameters = plans.emulator.client("ssm", "ap-southeast-1")
    parameters.put_parameter(Name="/platform/newer/production/contract", Value='{"version": 2}', Type="String", Overwrite=True)
    files = [f"-var-file={path}" for path in case.var_files(root.parent / "environments")]
    out = f"-out={tmp_path / 'plan'}"
    run = plans.run(root, "plan", "-input=false", "-lock=false", "-no-color", out, *files, "-var=platform_name=newer")
    assert run.returncode != 0
    assert "is not of version 1" in " ".join(run.stderr.split())
