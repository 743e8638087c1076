# Alarms on what AWS itself measures. Thresholds in bytes and counts follow from the class that the environment names.

locals {
  database = { DBInstanceIdentifier = module.database.identifier }
  mib      = 1048576

  database_alarms = {
    database-cpu         = { metric = "CPUUtilization", above = true, threshold = 80, minutes = 15, says = "CPU of the database above 80 % for 15 minutes" }
    database-connections = { metric = "DatabaseConnections", above = true, threshold = floor(var.db_max_connections * 0.8), minutes = 5, says = "More than 80 % of the connections of the database's class in use" }
    database-memory      = { metric = "FreeableMemory", above = false, threshold = floor(var.db_memory_mib * local.mib * 0.2), minutes = 15, says = "Less than 20 % of the database's memory free for 15 minutes" }
    database-storage     = { metric = "FreeStorageSpace", above = false, threshold = floor(var.db_storage_gb * 1024 * local.mib * 0.15), minutes = 5, says = "Less than 15 % of the database's storage free" }
  }

  cache_alarms = {
    cpu    = { metric = "EngineCPUUtilization", threshold = 80, minutes = 15, says = "CPU of the cache above 80 % for 15 minutes" }
    memory = { metric = "DatabaseMemoryUsagePercentage", threshold = 80, minutes = 5, says = "Memory of the cache above 80 %: a full queue refuses work" }
  }

  # One alarm for each node: every copy has to hold the data.
  cache_node_alarms = merge([
    for node, id in module.cache.nodes : { for name, alarm in local.cache_alarms : "cache-${id}-${name}" => merge(alarm, { node = id }) }
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "database" {
  for_each = local.database_alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = "AWS/RDS"
  metric_name         = each.value.metric
  dimensions          = local.database
  statistic           = "Average"
  comparison_operator = each.value.above ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = "missing"
  alarm_actions       = [module.sns_topic.arn]
  ok_actions          = [module.sns_topic.arn]
}

resource "aws_cloudwatch_metric_alarm" "cache" {
  for_each = local.cache_node_alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = "AWS/ElastiCache"
  metric_name         = each.value.metric
  dimensions          = { CacheClusterId = each.value.node }
  statistic           = "Average"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = "missing"
  alarm_actions       = [module.sns_topic.arn]
  ok_actions          = [module.sns_topic.arn]
}

locals {
  alarm_arns  = [for alarm in merge(aws_cloudwatch_metric_alarm.database, aws_cloudwatch_metric_alarm.cache) : alarm.arn]
  alarm_names = [for alarm in merge(aws_cloudwatch_metric_alarm.database, aws_cloudwatch_metric_alarm.cache) : alarm.alarm_name]
}
