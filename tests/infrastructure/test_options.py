"""The additions of each infrastructure option to a plan, and only where they belong."""

import json

from tests.infrastructure.terraform import Planner
from tests.infrastructure.variants import EVERYTHING, Case, cases

SERVICES = [Case(EVERYTHING, "service", "production"), Case(EVERYTHING, "service", "dev")]


def test_off_hours_stop_what_is_not_production(plans: Planner) -> None:
    alarms = {"disableAlarmActions", "enableAlarmActions"}
    for environment, wanted in {"dev": {"on-demand-down", "on-demand-up", "spot-down", "spot-up"} | alarms, "production": set()}.items():
        nodes = plans(Case(EVERYTHING, "platform", environment)).of("aws_scheduler_schedule")
        assert {schedule["name"] for schedule in nodes} == wanted
        database = plans(Case(EVERYTHING, "service", environment)).of("aws_scheduler_schedule")
        assert {schedule["name"] for schedule in database} == ({"startDBInstance", "stopDBInstance"} | alarms if wanted else set())


def test_nights_of_the_sandbox_end_in_the_morning(plans: Planner) -> None:
    schedules = {schedule["name"]: schedule for schedule in plans(Case("sandbox", "platform", "dev")).of("aws_scheduler_schedule")}
    assert schedules["on-demand-down"]["schedule_expression"] == "cron(0 20 ? * MON-FRI *)"
    assert schedules["on-demand-up"]["schedule_expression"] == "cron(0 8 ? * MON-FRI *)"
    assert {schedule["schedule_expression_timezone"] for schedule in schedules.values()} == {"Asia/Singapore"}
    call = json.loads(schedules["on-demand-down"]["target"][0]["input"])
    assert call == {
        "ClusterName": "sandbox-dev",
        "NodegroupName": "on-demand",
        "ScalingConfig": {"DesiredSize": 0, "MaxSize": 1, "MinSize": 0},
    }
    assert json.loads(schedules["on-demand-up"]["target"][0]["input"])["ScalingConfig"]["MinSize"] == 2


def test_alarms_pause_from_before_the_night_until_after_it(plans: Planner) -> None:
    for root, alarm in (("platform", "sandbox-dev-nodes-failed"), ("service", "sandbox-dev-database-cpu")):
        schedules = {schedule["name"]: schedule for schedule in plans(Case("sandbox", root, "dev")).of("aws_scheduler_schedule")}
        for call in ("disableAlarmActions", "enableAlarmActions"):
            target = schedules[call]["target"][0]
            assert target["arn"] == f"arn:aws:scheduler:::aws-sdk:cloudwatch:{call}"
            assert alarm in json.loads(target["input"])["AlarmNames"]
        assert schedules["disableAlarmActions"]["schedule_expression"] in {"cron(55 19 ? * MON-FRI *)", "cron(25 20 ? * MON-FRI *)"}
        assert schedules["enableAlarmActions"]["schedule_expression"] in {"cron(30 8 ? * MON-FRI *)", "cron(0 8 ? * MON-FRI *)"}


def test_the_audit_trail_covers_every_region_and_cannot_be_rewritten(plans: Planner) -> None:
    """One an account: AWS bills every further copy of management events (https://aws.amazon.com/cloudtrail/pricing/)."""
    for case in cases("bootstrap", "platform", "service"):
        plan = plans(case)
        if case.root != "bootstrap":
            assert not plan.of("aws_cloudtrail")
            continue
        assert bool(plan.of("aws_cloudtrail")) == (case.variant in {"regulated", EVERYTHING})
        for trail in plan.of("aws_cloudtrail"):
            assert trail["is_multi_region_trail"]
            assert trail["enable_log_file_validation"]
            rule = plan.one("aws_s3_bucket_object_lock_configuration", "module.audit_bucket")["rule"][0]["default_retention"][0]
            assert rule["mode"] == "GOVERNANCE"
            assert rule["days"] >= 365


def test_a_replica_stands_beside_production_alone(plans: Planner) -> None:
    production, dev = (plans(case).of("aws_db_instance") for case in SERVICES)
    name = f"{EVERYTHING}-production"
    assert {database["identifier"] for database in production} == {name, f"{name}-read-replica", f"{name}-dr-replica"}
    assert len(dev) == 1
    for replica in (database for database in production if database["identifier"].endswith("replica")):
        assert replica["storage_encrypted"]
        assert not replica["publicly_accessible"]
        assert (replica["backup_retention_period"], replica["skip_final_snapshot"]) == (0, True)
        assert not any(replica[argument] for argument in ("engine", "username", "password", "password_wo", "db_name"))


def test_the_firewall_stands_before_production_and_its_controller_may_attach_it(plans: Planner) -> None:
    production, dev = (plans(case) for case in SERVICES)
    acl = production.one("aws_wafv2_web_acl")
    assert {rule["name"] for rule in acl["rule"]} == {
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "rate",
    }
    roles = {resource["name"]: resource["role"] for resource in production.of("aws_iam_role_policy")}
    assert roles[f"{EVERYTHING}-firewall"] == f"{EVERYTHING}-production-load-balancer"
    assert not dev.of("aws_wafv2_web_acl")
    assert dev.output("contract")[0]["firewall_acl_arn"] == ""


def test_mail_is_signed_and_only_the_worker_sends_it(plans: Planner) -> None:
    plan = plans(SERVICES[0])
    assert plan.one("aws_sesv2_email_identity")["email_identity"] == "api.example.com"
    assert len([record for record in plan.of("aws_route53_record") if ".aws_route53_record.dkim" in record.address]) == 3
    values = {
        record["type"]: record["records"]
        for record in plan.of("aws_route53_record", 'module.mail["api.example.com"].aws_route53_record.this')
    }
    assert values["MX"] == ["10 feedback-smtp.ap-southeast-1.amazonses.com"]
    senders = [resource["role"] for resource in plan.of("aws_iam_role_policy") if "send_mail" in resource.address]
    assert senders == [f"{EVERYTHING}-production-worker"]


def test_copies_of_backups_and_images_go_to_the_second_region(plans: Planner) -> None:
    plan = plans(SERVICES[0])
    assert plan.one("aws_backup_plan")["rule"][0]["copy_action"]
    rule = plan.one("aws_ecr_replication_configuration")["replication_configuration"][0]["rule"][0]
    assert rule["destination"][0]["region"] == "ap-southeast-2"
    assert rule["repository_filter"] == [{"filter": f"{EVERYTHING}/production/", "filter_type": "PREFIX_MATCH"}]
    assert not plans(SERVICES[1]).of("aws_backup_vault")
