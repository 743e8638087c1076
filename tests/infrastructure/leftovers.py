"""The contents of an emulated account, by kind and name: empty after a destroy, except for a named list."""

from collections.abc import Iterator
from typing import Any

from tests.infrastructure.emulator import ACCOUNT, Emulator

# Service, operation, the response's list of resources, and the field with their names; no field if the list holds names.
REGIONAL = """
acm list_certificates CertificateSummaryList CertificateArn
backup list_backup_plans BackupPlansList BackupPlanName
backup list_backup_vaults BackupVaultList BackupVaultName
cloudtrail describe_trails trailList Name
cloudwatch describe_alarms MetricAlarms AlarmName
cloudwatch describe_alarms CompositeAlarms AlarmName
cloudwatch list_dashboards DashboardEntries DashboardName
ec2 describe_addresses Addresses AllocationId
ec2 describe_flow_logs FlowLogs FlowLogId
ec2 describe_internet_gateways InternetGateways InternetGatewayId
ec2 describe_launch_templates LaunchTemplates LaunchTemplateName
ec2 describe_nat_gateways NatGateways NatGatewayId
ec2 describe_route_tables RouteTables RouteTableId
ec2 describe_security_groups SecurityGroups GroupName
ec2 describe_subnets Subnets SubnetId
ec2 describe_vpc_endpoints VpcEndpoints VpcEndpointId
ec2 describe_vpcs Vpcs VpcId
ecr describe_repositories repositories repositoryName
eks list_clusters clusters
elasticache describe_cache_parameter_groups CacheParameterGroups CacheParameterGroupName
elasticache describe_cache_subnet_groups CacheSubnetGroups CacheSubnetGroupName
elasticache describe_replication_groups ReplicationGroups ReplicationGroupId
elasticache describe_user_groups UserGroups UserGroupId
elasticache describe_users Users UserId
elbv2 describe_load_balancers LoadBalancers LoadBalancerName
events list_rules Rules Name
kms list_aliases Aliases AliasName
logs describe_log_groups logGroups logGroupName
logs describe_query_definitions queryDefinitions name
rds describe_db_instances DBInstances DBInstanceIdentifier
rds describe_db_parameter_groups DBParameterGroups DBParameterGroupName
rds describe_db_snapshots DBSnapshots DBSnapshotIdentifier
rds describe_db_subnet_groups DBSubnetGroups DBSubnetGroupName
scheduler list_schedule_groups ScheduleGroups Name
scheduler list_schedules Schedules Name
secretsmanager list_secrets SecretList Name
sesv2 list_configuration_sets ConfigurationSets
sesv2 list_email_identities EmailIdentities IdentityName
sns list_topics Topics TopicArn
ssm describe_parameters Parameters Name
"""
GLOBAL = """
ce get_anomaly_monitors AnomalyMonitors MonitorName
iam list_open_id_connect_providers OpenIDConnectProviderList Arn
iam list_roles Roles RoleName
route53 list_hosted_zones HostedZones Name
s3 list_buckets Buckets Name
"""
# Arguments for operations that do not list all resources by default.
ARGUMENTS: dict[str, dict[str, Any]] = {"describe_db_snapshots": {"SnapshotType": "manual"}, "list_roles": {"MaxItems": 1000}}


def standing(emulator: Emulator, *regions: str) -> set[str]:
    """Return everything in the account, as `service kind name`; keys only while nobody has ordered their deletion."""
    found = set(_listed(emulator, GLOBAL, regions[0]))
    found |= {f"iam policy {each['PolicyName']}" for each in emulator.client("iam", regions[0]).list_policies(Scope="Local")["Policies"]}
    budgets = emulator.client("budgets", regions[0]).describe_budgets(AccountId=ACCOUNT).get("Budgets", [])
    found |= {f"budgets budget {each['BudgetName']}" for each in budgets}
    for region in regions:
        found |= {
            f"{region} {line}" for line in (*_listed(emulator, REGIONAL, region), *_keys(emulator, region), *_firewalls(emulator, region))
        }
    return found


def _listed(emulator: Emulator, table: str, region: str) -> Iterator[str]:
    for row in table.strip().splitlines():
        service, operation, key, *name = row.split()
        answer = getattr(emulator.client(service, region), operation)(**ARGUMENTS.get(operation, {}))
        for each in answer.get(key, []):
            if name and str(each[name[0]]).startswith("/aws/service/"):
                continue  # parameters of AWS itself, which its API does not list
            if "deleted" not in (each.get("State"), each.get("Status")) if name else True:
                yield f"{service} {key} {each[name[0]] if name else each}"


def _keys(emulator: Emulator, region: str) -> Iterator[str]:
    kms = emulator.client("kms", region)
    for each in kms.list_keys(Limit=1000)["Keys"]:
        described = kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]
        if described["KeyState"] == "Enabled" and described["KeyManager"] == "CUSTOMER":
            yield f"kms key {described['Description']}"


def _firewalls(emulator: Emulator, region: str) -> Iterator[str]:
    acls = emulator.client("wafv2", region).list_web_acls(Scope="REGIONAL")["WebACLs"]
    yield from (f"wafv2 acl {each['Name']}" for each in acls)
