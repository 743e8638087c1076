"""Rules of RDS, ElastiCache, Secrets Manager, ECR, S3, Backup and Budgets, over Terraform plans."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.infrastructure.terraform import Plan
from tests.rules.plans import PLANS, planned

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK, DAY = 7 * 1440, 1440
SHORTEST = 30
"""Minutes of a window of RDS at least."""


def minutes(clock: str) -> int:
    """Minutes since midnight, or since Monday's where the day is named."""
    *day, hour, minute = clock.split(":")
    return (DAYS.index(day[0]) * DAY if day else 0) + int(hour) * 60 + int(minute)


def window(text: str) -> tuple[int, int]:
    """Start and length of a window, in minutes."""
    start, end = map(minutes, text.split("-"))
    return start, (end - start) % (WEEK if text[0].isalpha() else DAY)


def overlap(backup: str, maintenance: str) -> bool:
    """Whether a daily and a weekly window share a minute."""
    (first, long), (second, wide) = window(backup), window(maintenance)
    return bool({(first + each) % DAY for each in range(long)} & {(second + each) % DAY for each in range(wide)})


@PLANS.rule(
    "aws_elasticache_replication_group",
    source="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoFailover.html",
    broken=planned(("aws_elasticache_replication_group", {"replicas_per_node_group": 0, "automatic_failover_enabled": True})),
)
def failover_needs_a_replica(plan: Plan) -> Iterator[str]:
    """ElastiCache takes automatic failover and Multi-AZ only with at least one replica."""
    for group in plan.of("aws_elasticache_replication_group"):
        if (group["automatic_failover_enabled"] or group["multi_az_enabled"]) and not group["replicas_per_node_group"]:
            yield group.address


@PLANS.rule(
    "aws_elasticache_replication_group",
    source="https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html",
    broken=planned(("aws_elasticache_replication_group", {"replication_group_id": "shop--lru"})),
)
def cache_names_are_taken(plan: Plan) -> Iterator[str]:
    """A replication group's id has 1 to 40 letters, digits and hyphens, a letter first, no two hyphens together and none last."""
    for group in plan.of("aws_elasticache_replication_group"):
        name = group["replication_group_id"]
        if len(name) > 40 or not re.fullmatch(r"[a-z](-?[a-z0-9])*", name):
            yield group.address


@PLANS.rule(
    "aws_elasticache_user",
    source="https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateUser.html",
    broken=planned(
        ("aws_elasticache_user", {"user_id": "shop", "engine": "valkey", "authentication_mode": [{"type": "no-password-required"}]})
    ),
)
def valkey_users_have_passwords(plan: Plan) -> Iterator[str]:
    """A Valkey user authenticates by password or IAM; 1 to 40 characters name him."""
    for user in plan.of("aws_elasticache_user"):
        modes = {mode["type"] for mode in user["authentication_mode"] or []}
        if len(user["user_id"]) > 40 or (user["engine"] == "valkey" and not modes <= {"password", "iam"}):
            yield user.address


@PLANS.rule(
    "aws_elasticache_user",
    source="https://github.com/hashicorp/terraform-provider-aws/issues/20334",
    broken=planned(
        ("aws_elasticache_user", {"access_string": "on ~app:* +@read"}), ("aws_elasticache_user", {"access_string": "on allkeys +@all"})
    ),
)
def access_strings_read_back_as_written(plan: Plan) -> Iterator[str]:
    """ElastiCache rewrites words like `allkeys`, and puts `-@all` before rights that do not start from a whole: a change in every plan.

    The second was seen on AWS in https://github.com/go-to-k/cdk-real-drift/issues/482 and its fix (pull request 488), which keeps the
    order of the rest. The provider compares the strings literally (internal/service/elasticache/user.go). Its acceptance tests run on
    AWS and refuse a plan that is not empty: they read back `on ~* +@all`, and rights that are given and taken in turn, as they were
    written (user_test.go beside it). None of them has `&*`.
    """
    for user in plan.of("aws_elasticache_user"):
        state, *words = user["access_string"].split()
        rights = [word for word in words if word[0] in "+-"]
        if state not in {"on", "off"} or any(word[0] not in "~&+-%" for word in words) or rights[:1] not in (["+@all"], ["-@all"]):
            yield user.address


@PLANS.rule(
    "aws_elasticache_replication_group",
    source="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html",
    broken=planned(("aws_elasticache_replication_group", {"user_group_ids": ["shop"], "transit_encryption_enabled": False})),
)
def users_need_tls(plan: Plan) -> Iterator[str]:
    """A user group goes with encryption in transit alone."""
    for group in plan.of("aws_elasticache_replication_group"):
        if group.given("user_group_ids") and not group["transit_encryption_enabled"]:
            yield group.address


@PLANS.rule(
    "aws_db_instance",
    source="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.BackupWindow.html",
    broken=planned(("aws_db_instance", {"backup_window": "17:00-17:45", "maintenance_window": "sun:17:30-sun:18:30"})),
)
def windows_do_not_overlap(plan: Plan) -> Iterator[str]:
    """The backup window has 30 minutes at least and does not overlap the maintenance window."""
    for database in plan.of("aws_db_instance"):
        both = [text for text in (database["backup_window"], database["maintenance_window"]) if text]
        if any(window(text)[1] < SHORTEST for text in both) or (len(both) > 1 and overlap(*both)):
            yield database.address


@PLANS.rule(
    "aws_scheduler_schedule",
    source="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html",
    broken=planned(
        ("aws_db_instance", {"backup_window": "17:00-17:45", "maintenance_window": "sun:18:00-sun:19:00"}),
        (
            "aws_scheduler_schedule",
            {"name": "stopDBInstance", "schedule_expression": "cron(30 20 ? * FRI *)", "schedule_expression_timezone": "Asia/Singapore"},
        ),
    ),
)
def windows_lie_in_working_hours(plan: Plan) -> Iterator[str]:
    """A stopped instance is neither backed up nor patched: where schedules stop it, both windows lie from 08:00 to 20:00."""
    stops = [schedule for schedule in plan.of("aws_scheduler_schedule") if schedule["name"] == "stopDBInstance"]
    for schedule in stops:
        zone = ZoneInfo(schedule["schedule_expression_timezone"])
        for database in plan.of("aws_db_instance"):
            for moment in (datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 7, 6, tzinfo=UTC)):  # Mondays of winter and summer
                spans = [window(text) for text in (database["backup_window"], database["maintenance_window"]) if text]
                times = [(moment + timedelta(minutes=start + each)).astimezone(zone) for start, long in spans for each in (0, long)]
                if any(not 8 <= time.hour < 20 for time in times) or times[-1].weekday() > 4:
                    yield f"{database.address} in {zone}"


@PLANS.rule(
    "aws_db_instance",
    source="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html",
    broken=planned(("aws_db_instance", {"allocated_storage": 100, "max_allocated_storage": 105})),
)
def storage_has_room_to_grow(plan: Plan) -> Iterator[str]:
    """Storage autoscaling takes a maximum at least 10 % above the storage, and AWS advises 26 %."""
    for database in plan.of("aws_db_instance"):
        if database["allocated_storage"] and (database["max_allocated_storage"] or 0) < 1.26 * database["allocated_storage"]:
            yield database.address


@PLANS.rule(
    "aws_db_instance",
    source="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.html",
    broken=planned(("aws_db_instance", {"replicate_source_db": "shop", "manage_master_user_password": True, "backup_retention_period": 7})),
)
def replicas_have_no_master_of_their_own(plan: Plan) -> Iterator[str]:
    """A replica has its source's logins and data: no user name, no password, no database name, and no managed password at its source."""
    for database in plan.of("aws_db_instance"):
        given = [name for name in ("username", "password_wo", "db_name", "manage_master_user_password") if database[name]]
        if database["replicate_source_db"] and given:
            yield f"{database.address}: {', '.join(given)}"


@PLANS.rule(
    "aws_db_instance",
    source="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.Constraints",
    broken=planned(("aws_db_instance", {"identifier": "shop-production-", "db_name": "app"})),
)
def database_names_are_taken(plan: Plan) -> Iterator[str]:
    """An identifier has 1 to 63 letters, digits and hyphens, a letter first, no two hyphens together and none last."""
    for database in plan.of("aws_db_instance"):
        name = database["identifier"]
        if len(name) > 63 or not re.fullmatch(r"[a-z](-?[a-z0-9])*", name):
            yield database.address


@PLANS.rule(
    "aws_db_instance",
    source="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/extended-support.html",
    broken=planned(("aws_db_instance", {"engine": "postgres", "engine_lifecycle_support": None})),
)
def databases_take_no_extended_support(plan: Plan) -> Iterator[str]:
    """Extended support is on by default, and is billed by vCPU and hour from the end of standard support."""
    for database in plan.of("aws_db_instance"):
        if database["engine"] and database["engine_lifecycle_support"] != "open-source-rds-extended-support-disabled":
            yield database.address


@PLANS.rule(
    "aws_secretsmanager_secret",
    source="https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html",
    broken=planned(("aws_secretsmanager_secret", {"name": "shop/dev/session", "recovery_window_in_days": 3})),
)
def secrets_are_kept_a_week_or_not_at_all(plan: Plan) -> Iterator[str]:
    """A recovery window is 7 to 30 days, in which the name is taken; 0 deletes at once."""
    for secret in plan.of("aws_secretsmanager_secret"):
        if secret["recovery_window_in_days"] not in {0, *range(7, 31)}:
            yield secret.address


@PLANS.rule(
    "aws_secretsmanager_secret",
    source="https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen",
    broken=planned(("aws_secretsmanager_secret", {"name": "shop/dev/key-abcdef", "recovery_window_in_days": 7})),
)
def secret_names_do_not_look_like_arns(plan: Plan) -> Iterator[str]:
    """A name that ends in a hyphen and six characters is taken for the end of an ARN when somebody looks for it."""
    for secret in plan.of("aws_secretsmanager_secret"):
        if re.search(r"-[a-zA-Z0-9]{6}$", secret["name"]) and not secret["name"].endswith(("-master",)):
            yield secret.address


@PLANS.rule(
    "aws_ecr_repository",
    source="https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html",
    broken=planned(("aws_ecr_repository", {"name": "Shop/dev/api"})),
)
def repository_names_are_taken(plan: Plan) -> Iterator[str]:
    """A repository's name has 2 to 256 lower-case letters, digits, hyphens, dots, underscores and slashes."""
    for repository in plan.of("aws_ecr_repository"):
        part = r"[a-z0-9]+([._-][a-z0-9]+)*"
        if not re.fullmatch(rf"{part}(/{part})*", repository["name"]) or not 2 <= len(repository["name"]) <= 256:
            yield repository.address


@PLANS.rule(
    "aws_s3_bucket",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
    broken=planned(("aws_s3_bucket", {"bucket": f"{'x' * 60}-logs"})),
)
def bucket_names_are_taken(plan: Plan) -> Iterator[str]:
    """A bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens, and begins and ends with a letter or digit."""
    for bucket in plan.of("aws_s3_bucket"):
        if bucket["bucket"] and not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket["bucket"]):
            yield bucket.address


@PLANS.rule(
    "aws_backup_plan",
    source="https://docs.aws.amazon.com/aws-backup/latest/devguide/troubleshooting.html",
    broken=planned(
        ("aws_db_instance", {"backup_window": "15:30-16:00", "maintenance_window": "sun:18:00-sun:19:00"}),
        ("aws_backup_plan", {"rule": [{"schedule": "cron(0 15 * * ? *)", "start_window": 60}]}),
    ),
)
def backups_keep_an_hour_from_the_databases_own(plan: Plan) -> Iterator[str]:
    """AWS Backup refuses to back a database up within an hour of its own backup window."""
    for backup in plan.of("aws_backup_plan"):
        for rule in backup["rule"] or []:
            minute, hour = rule["schedule"].removeprefix("cron(").split()[:2]
            starts = [window(each["backup_window"])[0] for each in plan.of("aws_db_instance") if each["backup_window"]]
            if any((start - int(hour) * 60 - int(minute)) % DAY < 60 for start in starts):
                yield backup.address


@PLANS.rule(
    "aws_budgets_budget",
    source="https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html",
    broken=planned(("aws_budgets_budget", {"cost_filter": [{"name": "TagKeyValue", "values": ["Environment$dev"]}]})),
)
def budgets_count_by_user_tags(plan: Plan) -> Iterator[str]:
    """A budget filters by `user:<key>$<value>`, of a key that resources carry; without the prefix it counts nothing, in silence."""
    for budget in plan.of("aws_budgets_budget"):
        for each in budget["cost_filter"] or []:
            if each["name"] == "TagKeyValue" and not all(re.fullmatch(r"user:(Environment|Stack)\$[a-z0-9-]+", v) for v in each["values"]):
                yield budget.address
