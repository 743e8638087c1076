# The alarms of the service. The alarms_*.tf files define them, alarm_thresholds has their thresholds, and docs/runbooks/alarms a runbook
# for each.

locals {
  alarms = merge(local.application_alarms, local.login_alarms, local.database_alarms, local.cache_alarms, local.backup_alarms, local.certificate_alarms, local.budget_alarms, local.rollout_alarms, local.replica_alarms, local.far_replica_alarms)

  # Empty unless an option's *_override.tf fills them.
  rollout_alarms     = {}
  replica_alarms     = {}
  far_replica_alarms = {}

  # One message per incident: while PostgreSQL is unreachable, alarms on its consequences are suppressed.
  composite_alarms = {
    users = {
      severity      = "business"
      summary       = "Users see errors or wait: too many requests fail or are slow"
      any_of        = concat([["errors"], ["slow-requests"]], local.fast_burns)
      suppressed_by = "database-unreachable"
    }
    error-budget = {
      severity      = "business"
      summary       = "The error budget of the month is being spent six times too fast"
      any_of        = local.slow_burns
      suppressed_by = "database-unreachable"
    }
    tasks = {
      severity      = "business"
      summary       = "Tasks fail for good or are not taken up"
      any_of        = [["dead-tasks"], ["oldest-task"]]
      suppressed_by = "database-unreachable"
    }
    cache = {
      severity = "critical"
      summary  = "A node of the cache is short of CPU or memory, or a replica lags"
      any_of   = [for name in keys(local.cache_alarms) : [name]]
    }
  }
}

module "alarms" {
  source = "../modules/alarms"

  name         = local.name
  owner        = "${var.team} (${var.owner_email})"
  runbooks_url = var.runbooks_url
  topic_arn    = module.sns_topic.arn
  alarms       = local.alarms
  composites   = local.composite_alarms
}
