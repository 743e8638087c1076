# A read replica for reports and people: the application itself reads from the primary. It follows the primary with a lag of
# seconds, and has the primary's storage, key and parameters.

variable "db_read_replica" {
  description = "Whether the database has a read replica."
  type        = bool
}

resource "aws_cloudwatch_log_group" "read_replica" {
  # checkov:skip=CKV_AWS_338: How long logs are kept is an answer (log_retention_days).
  for_each = toset(var.db_read_replica ? ["postgresql", "upgrade"] : [])

  name              = "/aws/rds/instance/${local.name}-read-replica/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = module.key.arn
}

resource "aws_db_instance" "read_replica" {
  # checkov:skip=CKV_AWS_157: The primary has the standby; who reads here can wait for a new replica.
  for_each = toset(var.db_read_replica ? ["this"] : [])

  identifier          = "${local.name}-read-replica"
  replicate_source_db = module.database.identifier
  instance_class      = var.db_instance_class

  publicly_accessible    = false
  vpc_security_group_ids = [module.database.security_group_id]
  parameter_group_name   = module.database.parameter_group_name
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = module.key.arn
  max_allocated_storage = var.db_storage_gb * 4

  auto_minor_version_upgrade          = true
  iam_database_authentication_enabled = true
  copy_tags_to_snapshot               = true
  deletion_protection                 = var.deletion_protection
  skip_final_snapshot                 = true # The primary's backups hold the same data.

  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  monitoring_interval                   = 60
  monitoring_role_arn                   = module.database.monitoring_role_arn
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = module.key.arn
  performance_insights_retention_period = 7

  depends_on = [aws_cloudwatch_log_group.read_replica]
}
