# The instance. For a replica, arguments that are null are inherited from its source.

resource "aws_db_instance" "this" {
  # checkov:skip=CKV_AWS_157: Whether a standby waits in a second zone is an answer (db_multi_az); a replica's source has one.
  identifier          = var.name
  replicate_source_db = var.source_database
  engine              = local.own ? "postgres" : null
  engine_version      = local.own ? var.engine_version : null
  instance_class      = var.instance_class
  db_name             = local.own ? var.database_name : null
  port                = 5432

  # Standard support only, because template releases upgrade the major version in time.
  engine_lifecycle_support   = local.own ? "open-source-rds-extended-support-disabled" : null
  auto_minor_version_upgrade = true
  maintenance_window         = local.own ? var.maintenance_window : "sun:18:00-sun:19:00"

  # The initial password is random and never stored; master.tf replaces it with the password of the secret.
  username            = local.own ? "master_user" : null
  password_wo         = local.own ? sha256(uuid()) : null
  password_wo_version = local.own ? 1 : null

  iam_database_authentication_enabled = true

  multi_az               = local.own && var.multi_az
  publicly_accessible    = false
  db_subnet_group_name   = one([for group in aws_db_subnet_group.this : group.name])
  vpc_security_group_ids = [aws_security_group.this.id]
  parameter_group_name   = aws_db_parameter_group.this.name
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  storage_type      = "gp3"
  storage_encrypted = true
  kms_key_id        = var.key_arn
  allocated_storage = local.own ? var.storage_gb : null
  # The disk grows automatically, up to four times this size.
  max_allocated_storage = var.storage_gb * 4

  backup_retention_period   = local.own ? var.backup_days : 0
  backup_window             = local.own ? var.backup_window : null
  copy_tags_to_snapshot     = true
  delete_automated_backups  = local.own ? false : null
  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = !local.own # The backups of the source hold the same data.
  final_snapshot_identifier = local.own ? "${var.name}-final" : null

  enabled_cloudwatch_logs_exports       = keys(var.log_groups)
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring.arn
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.key_arn
  performance_insights_retention_period = 7

  depends_on = [aws_iam_role_policy_attachment.monitoring]

  lifecycle {
    precondition {
      condition     = local.own == (var.source_database == null)
      error_message = "A primary needs a secret with its master's login; a replica has the logins of its source."
    }
  }
}
