"""Kinds of resources that the cost estimate prices, and those that cost nothing."""

from tests.infrastructure.terraform import Plan

PRICED = {
    "aws_backup_plan": "copies",
    "aws_backup_vault": "copies",
    "aws_cloudtrail": "audit",
    "aws_cloudwatch_composite_alarm": "composites",
    "aws_cloudwatch_dashboard": "dashboard",
    "aws_cloudwatch_log_group": "logs",
    "aws_cloudwatch_metric_alarm": "alarms",
    "aws_db_instance": "database",
    "aws_ecr_replication_configuration": "copies-images",
    "aws_ecr_repository": "images",
    "aws_eip": "ipv4",
    "aws_eks_addon": "container-insights",
    "aws_eks_cluster": "control-plane",
    "aws_eks_node_group": "nodes-base",
    "aws_elasticache_replication_group": "cache",
    "aws_flow_log": "platform-logs",
    "aws_kms_key": "key",
    "aws_launch_template": "node-disks",
    "aws_nat_gateway": "nat-hours",
    "aws_route53_zone": "zone",
    "aws_s3_bucket": "state",
    "aws_secretsmanager_secret": "secrets",
    "aws_sesv2_email_identity": "mail",
    "aws_wafv2_web_acl": "waf",
}
"""Kinds of resources that are billed, and a line of the estimate that has their price."""

FREE = {
    "rights": "aws_iam_openid_connect_provider aws_iam_policy aws_iam_role aws_iam_role_policy aws_iam_role_policy_attachment"
    " aws_eks_access_entry aws_eks_access_policy_association aws_eks_pod_identity_association aws_elasticache_user"
    " aws_elasticache_user_group",
    "a network's own parts": "aws_vpc aws_subnet aws_internet_gateway aws_route aws_route_table aws_route_table_association"
    " aws_security_group aws_default_security_group aws_vpc_security_group_egress_rule aws_vpc_security_group_ingress_rule",
    "settings of something that is priced": "aws_backup_selection aws_db_parameter_group aws_db_subnet_group aws_ecr_lifecycle_policy"
    " aws_elasticache_parameter_group aws_elasticache_subnet_group aws_kms_alias aws_route53_record aws_secretsmanager_secret_version"
    " aws_s3_bucket_lifecycle_configuration aws_s3_bucket_object_lock_configuration aws_s3_bucket_ownership_controls"
    " aws_s3_bucket_policy aws_s3_bucket_public_access_block aws_s3_bucket_server_side_encryption_configuration"
    " aws_s3_bucket_versioning aws_sesv2_configuration_set aws_sesv2_email_identity_mail_from_attributes"
    " aws_wafv2_web_acl_logging_configuration",
    "events of AWS itself, and saved queries": "aws_cloudwatch_event_rule aws_cloudwatch_query_definition",
    "public certificates of ACM": "aws_acm_certificate aws_acm_certificate_validation",
    "budgets without actions, and anomaly detection": "aws_budgets_budget aws_ce_anomaly_monitor aws_ce_anomaly_subscription",
    "schedules: the first 14 million calls of a month": "aws_scheduler_schedule aws_scheduler_schedule_group",
    "topics: the first 1,000 email messages of a month": "aws_sns_topic aws_sns_topic_policy aws_sns_topic_subscription",
    "standard parameters": "aws_ssm_parameter",
    "of Terraform alone": "terraform_data",
}
"""Kinds of resources that cost nothing, by the reason. A gateway endpoint is free, an interface endpoint is not: see below."""
COSTS_NOTHING = {kind for kinds in FREE.values() for kind in kinds.split()}


def without_price(plan: Plan) -> set[str]:
    """Return the kinds of resources that neither have a price nor are known to be free."""
    kinds = {resource.kind for resource in plan.changes if resource.kind != "aws_vpc_endpoint"}
    return kinds - PRICED.keys() - COSTS_NOTHING
