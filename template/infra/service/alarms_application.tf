# Alarms on the application's own metrics. The agent writes each counter as its increase since the last scrape and each gauge with its
# value, for every pod, so the sum of a counter and the maximum of a gauge describe the whole environment. Metrics and dimension are
# declared in deploy/components/metrics/agent.yaml.

locals {
  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/ContainerInsights-Prometheus-metrics-conversion.html
  metrics = {
    for key, metric in {
      requests         = { name = "http_requests_total", statistic = "Sum" }
      errors           = { name = "http_server_errors_total", statistic = "Sum" }
      client_errors    = { name = "http_client_errors_total", statistic = "Sum" }
      slow             = { name = "http_slow_requests_total", statistic = "Sum" }
      in_flight        = { name = "http_requests_in_flight", statistic = "Maximum" }
      rate_limited     = { name = "rate_limited_total", statistic = "Sum" }
      queued           = { name = "tasks_queued_total", statistic = "Sum" }
      succeeded        = { name = "tasks_succeeded_total", statistic = "Sum" }
      retried          = { name = "tasks_retried_total", statistic = "Sum" }
      dead_tasks       = { name = "tasks_dead_total", statistic = "Sum" }
      due              = { name = "tasks_due", statistic = "Maximum" }
      oldest_task      = { name = "tasks_due_seconds", statistic = "Maximum" }
      dead_letters     = { name = "tasks_dead_letters", statistic = "Maximum" }
      started          = { name = "tasks_started_total", statistic = "Sum" }
      waited           = { name = "tasks_wait_seconds_total", statistic = "Sum" }
      ran              = { name = "tasks_run_seconds_total", statistic = "Sum" }
      mails_sent       = { name = "mails_sent_total", statistic = "Sum" }
      mails_failed     = { name = "mails_failed_total", statistic = "Sum" }
      logins_failed    = { name = "logins_failed_total", statistic = "Sum" }
      logins_succeeded = { name = "logins_succeeded_total", statistic = "Sum" }
      database_errors  = { name = "database_connection_errors_total", statistic = "Sum" }
      pool_in_use      = { name = "database_pool_in_use", statistic = "Maximum" }
      pool_size        = { name = "database_pool_size", statistic = "Maximum" }
      pool_waiting     = { name = "database_pool_waiting", statistic = "Maximum" }
      hits             = { name = "cache_hits_total", statistic = "Sum" }
      misses           = { name = "cache_misses_total", statistic = "Sum" }
      cache_errors     = { name = "cache_errors_total", statistic = "Sum" }
      redis_open       = { name = "redis_circuit_open", statistic = "Maximum" }
      scrapes          = { name = "build_info", statistic = "SampleCount" }
    } : key => merge(metric, { namespace = var.service, dimensions = { Environment = var.environment } })
  }

  # Container Insights counts the pods behind each Service, and may send no data instead of 0.
  running_pods = {
    namespace  = "ContainerInsights"
    name       = "service_number_of_running_pods"
    statistic  = "Minimum"
    dimensions = { ClusterName = local.platform.cluster_name, Namespace = var.service }
  }

  # With fewer requests a ratio means nothing: one error in three requests is not an outage.
  failed_percent = "IF(requests >= ${local.alarm_thresholds.fewest_requests}, 100 * FILL(errors, 0) / requests, 0)"
  slow_percent   = "IF(requests >= ${local.alarm_thresholds.fewest_requests}, 100 * FILL(slow, 0) / requests, 0)"

  # Missing data is notBreaching, because a service without traffic, or before its first release, has none. Only `silent` reports that
  # metrics stopped.
  application_alarms = {
    errors = {
      severity   = "business"
      summary    = "More than ${local.alarm_thresholds.errors_percent} % of the requests of 5 minutes ended in a server error"
      metrics    = { requests = local.metrics.requests, errors = local.metrics.errors }
      expression = local.failed_percent
      threshold  = local.alarm_thresholds.errors_percent
      seconds    = 300
      periods    = 1
      missing    = "notBreaching"
    }
    slow-requests = {
      severity   = "business"
      summary    = "More than ${local.alarm_thresholds.slow_requests_percent} % of the requests of 5 minutes took longer than 0.5 s"
      metrics    = { requests = local.metrics.requests, slow = local.metrics.slow }
      expression = local.slow_percent
      threshold  = local.alarm_thresholds.slow_requests_percent
      seconds    = 300
      periods    = 1
      missing    = "notBreaching"
    }
    dead-tasks = {
      severity   = "business"
      summary    = "A task failed for good and waits for a person"
      metrics    = { dead = local.metrics.dead_tasks }
      comparison = "GreaterThanOrEqualToThreshold"
      threshold  = local.alarm_thresholds.dead_tasks
      seconds    = 300
      periods    = 1
      missing    = "notBreaching"
    }
    oldest-task = {
      severity  = "business"
      summary   = "The oldest due task has waited longer than ${local.alarm_thresholds.oldest_task_seconds} s for 5 minutes"
      metrics   = { oldest = local.metrics.oldest_task }
      threshold = local.alarm_thresholds.oldest_task_seconds
      periods   = 5
      missing   = "notBreaching"
    }
    database-unreachable = {
      severity   = "critical"
      summary    = "Connections to PostgreSQL fail, in 3 of 5 minutes"
      metrics    = { failed = local.metrics.database_errors }
      comparison = "GreaterThanOrEqualToThreshold"
      threshold  = 1
      periods    = 5
      datapoints = 3
      missing    = "notBreaching"
    }
    redis-unreachable = {
      severity   = "critical"
      summary    = "A process has given up on Redis, in 3 of 5 minutes"
      metrics    = { open = local.metrics.redis_open }
      comparison = "GreaterThanOrEqualToThreshold"
      threshold  = 1
      periods    = 5
      datapoints = 3
      missing    = "notBreaching"
    }
    pool-exhausted = {
      severity   = "critical"
      summary    = "A process has used more than ${local.alarm_thresholds.pool_percent} % of its database connections for 5 minutes"
      metrics    = { in_use = local.metrics.pool_in_use, size = local.metrics.pool_size }
      expression = "100 * in_use / size"
      threshold  = local.alarm_thresholds.pool_percent
      periods    = 5
      missing    = "notBreaching"
    }
    api-down = {
      severity   = "critical"
      summary    = "No pod of the API has run for 3 minutes"
      metrics    = { pods = merge(local.running_pods, { dimensions = merge(local.running_pods.dimensions, { Service = "api" }) }) }
      comparison = "LessThanThreshold"
      threshold  = 1
      periods    = 3
      missing    = "missing"
      heartbeat  = true
    }
    worker-down = {
      severity   = "critical"
      summary    = "No pod of the worker has run for 5 minutes"
      metrics    = { pods = merge(local.running_pods, { dimensions = merge(local.running_pods.dimensions, { Service = "worker-pods" }) }) }
      comparison = "LessThanThreshold"
      threshold  = 1
      periods    = 5
      missing    = "missing"
      heartbeat  = true
    }
    # A count of samples is never below 1, so this alarm fires only when the metric stops.
    silent = {
      severity   = "critical"
      summary    = "No metric of the application has arrived for 5 minutes"
      metrics    = { scrapes = local.metrics.scrapes }
      comparison = "LessThanThreshold"
      threshold  = 1
      periods    = 5
      missing    = "missing"
      heartbeat  = true
    }
  }

  # Detects credential stuffing: a list of stolen passwords causes far more failed logins than users who mistype.
  login_alarms = {
    for name, alarm in {
      login-failures = {
        severity   = "business"
        summary    = "${local.alarm_thresholds.login_failures} logins or more failed within 5 minutes, and ${local.alarm_thresholds.login_failures_percent} % of all attempts"
        metrics    = { failed = local.metrics.logins_failed, succeeded = local.metrics.logins_succeeded }
        expression = "IF(failed >= ${local.alarm_thresholds.login_failures}, 100 * failed / (failed + FILL(succeeded, 0)), 0)"
        comparison = "GreaterThanOrEqualToThreshold"
        threshold  = local.alarm_thresholds.login_failures_percent
        seconds    = 300
        periods    = 1
        missing    = "notBreaching"
      }
    } : name => alarm if var.logins
  }
}
