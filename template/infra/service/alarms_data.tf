# Alarms on AWS metrics of database, cache, backups and certificate. Thresholds in bytes and connections are computed from the memory and
# connections of the instance class, which the template sets in the tfvars.

locals {
  mib = 1048576

  # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html. A database without
  # data is stopped or deleted. Missing data stays "missing" here, because the application's alarms report the failure.
  database_alarms = {
    for name, alarm in {
      database-cpu         = { metric = "CPUUtilization", above = true, threshold = local.alarm_thresholds.database_cpu_percent, minutes = 15, summary = "CPU of the database above ${local.alarm_thresholds.database_cpu_percent} % for 15 minutes" }
      database-connections = { metric = "DatabaseConnections", above = true, threshold = floor(var.db_max_connections * local.alarm_thresholds.database_connections_percent / 100), minutes = 5, summary = "More than ${local.alarm_thresholds.database_connections_percent} % of the connections that the database's class takes are in use" }
      database-memory      = { metric = "FreeableMemory", above = false, threshold = floor(var.db_memory_mib * local.mib * local.alarm_thresholds.database_free_memory_percent / 100), minutes = 15, summary = "Less than ${local.alarm_thresholds.database_free_memory_percent} % of the database's memory is free, for 15 minutes" }
      # Percent of the current size: RDS extends the disk automatically, and the next apply raises the threshold.
      database-storage = { metric = "FreeStorageSpace", above = false, threshold = floor(module.database.allocated_storage_gb * 1024 * local.mib * local.alarm_thresholds.database_free_storage_percent / 100), minutes = 5, summary = "Less than ${local.alarm_thresholds.database_free_storage_percent} % of the database's storage is free" }
      } : name => {
      severity   = "critical"
      summary    = alarm.summary
      metrics    = { m = { namespace = "AWS/RDS", name = alarm.metric, dimensions = { DBInstanceIdentifier = module.database.identifier }, statistic = "Average" } }
      comparison = alarm.above ? "GreaterThanThreshold" : "LessThanThreshold"
      threshold  = alarm.threshold
      periods    = alarm.minutes
      missing    = "missing"
    }
  }

  # https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html. A full group that
  # evicts is normal, but a full group that does not evict refuses writes. Only replicas have a lag.
  cache_watches = {
    cpu       = { metric = "EngineCPUUtilization", statistic = "Average", threshold = local.alarm_thresholds.cache_cpu_percent, seconds = 60, periods = 15, summary = "CPU of cache node %s above ${local.alarm_thresholds.cache_cpu_percent} %% for 15 minutes" }
    memory    = { metric = "DatabaseMemoryUsagePercentage", statistic = "Average", threshold = local.alarm_thresholds.cache_memory_percent, seconds = 60, periods = 15, summary = "Memory of cache node %s above ${local.alarm_thresholds.cache_memory_percent} %% for 15 minutes" }
    evictions = { metric = "Evictions", statistic = "Sum", threshold = local.alarm_thresholds.cache_evictions, seconds = 300, periods = 3, summary = "Cache node %s evicts more than ${local.alarm_thresholds.cache_evictions} entries in 5 minutes, for 15 minutes" }
    lag       = { metric = "ReplicationLag", statistic = "Maximum", threshold = local.alarm_thresholds.replication_lag_seconds, seconds = 60, periods = 5, summary = "Replica %s of the cache lags by more than ${local.alarm_thresholds.replication_lag_seconds} s for 5 minutes" }
  }

  cache_nodes = merge([
    for key, group in local.cache_groups[var.cache_groups] : {
      for node, id in module.cache.nodes : id => group.eviction == "noeviction" ? ["cpu", "memory", "lag"] : ["cpu", "evictions", "lag"] if startswith(node, "${key}/")
    }
  ]...)

  cache_alarms = merge([
    for id, watches in local.cache_nodes : {
      for watch in watches : "cache-${id}-${watch}" => {
        severity  = "critical"
        summary   = format(local.cache_watches[watch].summary, id)
        runbook   = "cache-${watch}"
        metrics   = { m = { namespace = "AWS/ElastiCache", name = local.cache_watches[watch].metric, dimensions = { CacheClusterId = id }, statistic = local.cache_watches[watch].statistic } }
        threshold = local.cache_watches[watch].threshold
        seconds   = local.cache_watches[watch].seconds
        periods   = local.cache_watches[watch].periods
        missing   = "missing"
      } if watch != "lag" || var.cache_replicas > 0
    }
  ]...)

  # There is one event per day. Hours without an event are missing data, and only a whole day without one is INSUFFICIENT_DATA.
  backup_alarms = {
    backup = {
      severity   = "critical"
      summary    = "The newest backup of the database is older than ${local.alarm_thresholds.backup_hours} hours"
      metrics    = { finished = { namespace = "AWS/Events", name = "TriggeredRules", dimensions = { RuleName = aws_cloudwatch_event_rule.backup_finished.name }, statistic = "Sum" } }
      comparison = "LessThanThreshold"
      threshold  = 1
      seconds    = 3600
      periods    = local.alarm_thresholds.backup_hours
      missing    = "missing"
      heartbeat  = true
    }
  }

  # https://docs.aws.amazon.com/acm/latest/userguide/cloudwatch-metrics.html. ACM publishes the metric twice a
  # day for issued certificates, and renews them 60 days ahead. The metric stops when a certificate expires; "ignore" keeps the alarm on.
  certificate_alarms = {
    for name, domain in { for domain, zone in module.domain : "certificate" => zone } : name => {
      severity   = "critical"
      summary    = "The certificate of ${var.domain} expires in less than ${local.alarm_thresholds.certificate_days} days"
      metrics    = { days = { namespace = "AWS/CertificateManager", name = "DaysToExpiry", dimensions = { CertificateArn = domain.requested_certificate_arn }, statistic = "Minimum" } }
      comparison = "LessThanThreshold"
      threshold  = local.alarm_thresholds.certificate_days
      seconds    = 86400
      periods    = 1
      missing    = "ignore"
    }
  }
}

# RDS has no metric for the age of backups, but it sends an event when a backup has finished, and EventBridge counts how often a rule
# matches. TriggeredRules has the rule's name as dimension, MatchedEvents has not. AWS does not document whether rules without a target are
# counted. To check it: `ops alarms` lists the alarm without a heartbeat before the first backup, and must not list it afterwards.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
resource "aws_cloudwatch_event_rule" "backup_finished" {
  name        = "${local.name}-backup-finished"
  description = "Counts the finished backups of the database of ${local.name}."

  event_pattern = jsonencode({
    source      = ["aws.rds"]
    detail-type = ["RDS DB Instance Event"]
    detail      = { EventID = ["RDS-EVENT-0002"], SourceIdentifier = [module.database.identifier] }
  })
}
