# A read replica for reports and people: the application itself reads from the primary. It follows the primary with a lag of
# seconds, and has the primary's storage, key and settings.

variable "db_read_replica" {
  description = "Whether the database has a read replica."
  type        = bool
}

module "read_replica_log" {
  source   = "../modules/log_groups"
  for_each = toset(var.db_read_replica ? ["this"] : [])

  names          = { for kind in local.database_logs : kind => "/aws/rds/instance/${local.name}-read-replica/${kind}" }
  retention_days = var.log_retention_days
  key_arn        = module.kms_key.arn
}

module "read_replica" {
  source   = "../modules/database"
  for_each = module.read_replica_log

  permissions_boundary      = local.permissions_boundary
  name                      = "${local.name}-read-replica"
  region                    = var.region
  source_database           = module.database.identifier
  engine_version            = var.postgresql_version
  instance_class            = var.db_instance_class
  storage_gb                = var.db_storage_gb
  deletion_protection       = var.deletion_protection
  vpc_id                    = local.platform.vpc_id
  client_security_group_ids = { cluster = local.platform.cluster_security_group_id }
  log_groups                = each.value.names
  key_arn                   = module.kms_key.arn
}

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html, ReplicaLag in seconds; -1 while replication is broken.
module "read_replica_alarms" {
  source   = "../modules/alarms"
  for_each = module.read_replica

  name         = local.name
  owner        = "${var.team} (${var.owner_email})"
  runbooks_url = var.runbooks_url
  topic_arn    = module.sns_topic.arn

  alarms = {
    read-replica-lag = {
      severity   = "critical"
      summary    = "The read replica lags by more than ${var.alarm_thresholds.replication_lag_seconds} s, or does not replicate, for 15 minutes"
      metrics    = { lag = { namespace = "AWS/RDS", name = "ReplicaLag", dimensions = { DBInstanceIdentifier = each.value.identifier }, statistic = "Average" } }
      expression = "IF(lag < 0, 86400, lag)"
      threshold  = var.alarm_thresholds.replication_lag_seconds
      periods    = 15
      missing    = "missing"
    }
  }
}
