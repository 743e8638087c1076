# PostgreSQL on RDS: private, encrypted, TLS only. A primary, or a replica: then it has its source's
# data, version and logins, and the same settings for the day on which it is promoted.

locals {
  own = var.master_secret != null
}

data "aws_partition" "current" {}

# A replica in its source's region uses the source's subnets.
resource "aws_db_subnet_group" "this" {
  for_each = toset(length(var.subnet_ids) > 0 ? ["this"] : [])

  name        = var.name
  description = "Database subnets of ${var.name}"
  subnet_ids  = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  name        = "${var.name}-postgres${var.engine_version}"
  family      = "postgres${var.engine_version}"
  description = "TLS only, slow statements logged"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  # Milliseconds: what is slower than the service's own goal for a response is logged.
  parameter {
    name  = "log_min_duration_statement"
    value = "500"
  }

  # A session that was left open in a transaction holds locks: end it after 5 minutes (milliseconds).
  parameter {
    name  = "idle_in_transaction_session_timeout"
    value = "300000"
  }

  lifecycle {
    create_before_destroy = true
  }
}
