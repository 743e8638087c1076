"""What Terraform refuses, each with one sentence that says what would be right."""

from pathlib import Path

import pytest

from tests.infrastructure.terraform import Planner
from tests.infrastructure.variants import Case

BOOTSTRAP = Case("startup", "bootstrap", "account")
PLATFORM = Case("everything", "platform", "production")
SERVICE = Case("everything", "service", "production")

REFUSED = [
    (BOOTSTRAP, "github_owner=your-github-owner", "still the placeholder"),
    (BOOTSTRAP, "github_owner=Your-GitHub-Owner", "still the placeholder"),
    (BOOTSTRAP, "github_repository_id=", "comes together with github_owner_id"),
    (BOOTSTRAP, "environments=[]", "names at least one"),
    (PLATFORM, "environment=prod", "dev, staging or production"),
    (PLATFORM, 'api_public_cidrs=["0.0.0.0/0"]', "api_open_to_the_world = true"),
    (PLATFORM, 'api_public_cidrs=["office"]', "a network such as"),
    (PLATFORM, "nat_gateways=4", "from 1 to az_count"),
    (PLATFORM, "az_count=1", "az_count is 2 or 3"),
    (PLATFORM, "vpc_cidr=10.0.0.0/24", "from /16 to /20"),
    (PLATFORM, "vpc_cidr=10.0.7.0/16", "without host bits"),
    (PLATFORM, "node_instance_type=x9.mythical", "zones offer x9.mythical"),
    (PLATFORM, "node_max=2", "from node_min to 200"),
    (PLATFORM, "log_retention_days=8", "CloudWatch keeps logs"),
    (PLATFORM, 'cluster_admin_role_arns=["admin"]', "the ARN of an IAM role"),
    (PLATFORM, 'spot_instance_types=["t3.medium"]', "at least 4 types"),
    (PLATFORM, "off_hours_shutdown=sometimes", "none, weekends, nights-and-weekends"),
    (PLATFORM, "audit_trail_days=1", "from 90 to 3653"),
    (SERVICE, "service=Shop!", "DNS label"),
    (SERVICE, "domain=API.example.com", "in lower case"),
    (SERVICE, "db_backup_days=1", "from 7 to 35"),
    (SERVICE, "cache_groups=three", "one or two"),
    (SERVICE, "cache_replicas=9", "from 0 to 5"),
    (SERVICE, 'secret_versions={"jwt"=2}', "secret_versions knows"),
    (SERVICE, "dr_region=ap-southeast-1", "lost with it"),
    (SERVICE, "region=ap-southeast-2", "couldn't find resource"),
]


@pytest.mark.parametrize(("case", "argument", "words"), REFUSED, ids=[argument for _, argument, _ in REFUSED])
def test_it_is_refused(case: Case, argument: str, words: str, plans: Planner) -> None:
    plans(case)  # initialised, and fine without the argument
    root = plans.folder / case.variant / case.root
    files = [f"-var-file={path}" for path in case.var_files(root.parent / "environments")]
    run = plans.run(root, "plan", "-input=false", "-lock=false", "-no-color", *files, *case.arguments(), "-var", argument)
    assert run.returncode != 0
    assert words in " ".join(run.stderr.split())


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
