# PostgreSQL on RDS: private, encrypted, TLS only. Either a primary or a replica. A replica has the data, version and logins of its
# source, and the same settings as a primary, so that it can be promoted.

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

  # Milliseconds. Logs every statement that takes longer than the service's target for a whole response.
  parameter {
    name  = "log_min_duration_statement"
    value = "500"
  }

  # Milliseconds. A session that is idle in a transaction holds locks, so it is ended after 5 minutes.
  parameter {
    name  = "idle_in_transaction_session_timeout"
    value = "300000"
  }

  lifecycle {
    create_before_destroy = true
  }
}
