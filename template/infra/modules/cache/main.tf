# Valkey on ElastiCache, one group or two. Cluster mode is off: the queue's transactions touch several keys at once, and those
# must be on one shard. There is no append-only file, because all durable data is in PostgreSQL.

resource "aws_elasticache_subnet_group" "this" {
  name        = var.name
  description = "Database subnets of ${var.name}"
  subnet_ids  = var.subnet_ids
}

resource "aws_elasticache_parameter_group" "this" {
  for_each = var.groups

  name        = "${each.value.id}-valkey${local.major}"
  family      = "valkey${local.major}"
  description = "Eviction: ${each.value.eviction}"

  parameter {
    name  = "maxmemory-policy"
    value = each.value.eviction
  }

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  major = split(".", var.engine_version)[0]
}

resource "aws_elasticache_replication_group" "this" {
  # checkov:skip=CKV2_AWS_50: Automatic failover is enabled if there is a replica; the number of replicas is an answer.
  for_each = var.groups

  replication_group_id = each.value.id
  description          = each.value.description
  engine               = "valkey"
  engine_version       = var.engine_version
  node_type            = var.node_type
  port                 = 6379
  parameter_group_name = aws_elasticache_parameter_group.this[each.key].name

  num_node_groups            = 1
  replicas_per_node_group    = var.replicas
  automatic_failover_enabled = var.replicas > 0
  multi_az_enabled           = var.replicas > 0

  subnet_group_name  = aws_elasticache_subnet_group.this.name
  security_group_ids = [aws_security_group.this.id]
  user_group_ids     = [aws_elasticache_user_group.this.user_group_id]

  at_rest_encryption_enabled = true
  kms_key_id                 = var.key_arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"

  snapshot_retention_limit   = 7
  snapshot_window            = "16:00-17:00"
  maintenance_window         = "sun:19:00-sun:20:00"
  auto_minor_version_upgrade = true
  apply_immediately          = true

  log_delivery_configuration {
    destination      = var.slow_log_groups[each.key]
    destination_type = "cloudwatch-logs"
    log_format       = "json"
    log_type         = "slow-log"
  }
}
