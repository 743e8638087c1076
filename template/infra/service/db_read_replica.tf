# A read replica for reports and ad hoc queries; the application reads only from the primary. It lags by seconds, and has the storage, key
# and settings of the primary.

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
