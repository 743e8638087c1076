# Dashboard of the service: first symptoms that users notice, then possible causes, then cost. The platform's dashboard shows the nodes.

locals {
  shown = { for key, metric in local.metrics : key => [metric.namespace, metric.name, "Environment", var.environment, { id = key, stat = metric.statistic, label = replace(key, "_", " ") }] }

  # The same metrics, hidden, as input of expressions.
  hidden = { for key, metric in local.shown : key => concat(slice(metric, 0, 4), [merge(metric[4], { visible = false })]) }

  # Container Insights, for the pods of this namespace.
  pods = {
    for metric, label in { pod_cpu_utilization = "CPU", pod_memory_utilization = "memory", pod_network_rx_bytes = "received", pod_network_tx_bytes = "sent" } :
    metric => ["ContainerInsights", metric, "ClusterName", local.platform.cluster_name, "Namespace", var.service, { label = label }]
  }

  # The agent has no metric of restarts per namespace, only per Deployment (dimension PodName). Each value is the increase.
  restarts = [for name in ["api", "worker"] : ["ContainerInsights", "pod_number_of_container_restarts", "ClusterName", local.platform.cluster_name, "Namespace", var.service, "PodName", name, { label = "${name} restarts", stat = "Sum", yAxis = "right" }]]

  running = { for name, service in { api = "api", worker = "worker-pods" } : name => ["ContainerInsights", "service_number_of_running_pods", "ClusterName", local.platform.cluster_name, "Namespace", var.service, "Service", service, { label = name }] }

  database = { for metric in ["CPUUtilization", "DatabaseConnections", "FreeableMemory", "FreeStorageSpace", "ReadLatency", "WriteLatency", "ReadIOPS", "WriteIOPS"] : metric => ["AWS/RDS", metric, "DBInstanceIdentifier", module.database.identifier] }

  cache = {
    for metric, label in { EngineCPUUtilization = "CPU", DatabaseMemoryUsagePercentage = "memory", Evictions = "evictions", ReplicationLag = "lag" } :
    metric => [for node, id in module.cache.nodes : ["AWS/ElastiCache", metric, "CacheClusterId", id, { label = "${label} ${node}" }]]
  }

  lines  = { period = 60, stat = "Average", view = "timeSeries", stacked = false, yAxis = { left = { min = 0 } } }
  number = { period = 2592000, view = "singleValue", setPeriodToTimeRange = false }
  source = "SOURCE '${local.application_log}' | filter kubernetes.namespace_name = '${var.service}' | "

  user_rows = [
    [
      { type = "metric", title = "Requests a minute", properties = merge(local.lines, { metrics = [local.shown.requests, local.shown.client_errors, local.shown.errors, local.shown.rate_limited] }) },
      { type = "metric", title = "Failed and slow requests (%)", properties = merge(local.lines, {
        period      = 300
        metrics     = [local.hidden.requests, local.hidden.errors, local.hidden.slow, [{ expression = "100 * errors / requests", id = "failed_percent", label = "failed" }], [{ expression = "100 * slow / requests", id = "slow_percent", label = "slower than 0.5 s" }]]
        annotations = { horizontal = [{ label = "alarm", value = local.alarm_thresholds.errors_percent }] }
      }) },
      { type = "log", title = "Response times (ms)", properties = { view = "timeSeries", query = "${local.source}filter log_processed.event = 'request' | stats pct(log_processed.milliseconds, 50) as p50, pct(log_processed.milliseconds, 95) as p95 by bin(5m)" } },
      { type = "metric", title = "Error budget left of 30 days (%)", properties = merge(local.number, {
        metrics = [local.hidden.requests, local.hidden.errors, local.hidden.slow, [{ expression = "100 - 10000 * errors / requests / ${local.objectives.availability.budget}", id = "availability", label = "availability ${local.promised.availability_percent} %" }], [{ expression = "100 - 10000 * slow / requests / ${local.objectives.latency.budget}", id = "latency", label = "latency ${local.promised.latency_percent} %" }]]
      }) },
    ],
    concat([
      { type = "log", title = "Busiest routes", properties = { view = "table", query = "${local.source}${join(" | ", local.queries.requests)}" } },
      { type = "log", title = "Failed requests by route", properties = { view = "table", query = "${local.source}${join(" | ", local.queries.failed-requests)}" } },
    ], local.login_widgets),
  ]

  login_widgets = [for widget in [{ type = "metric", title = "Logins a minute", properties = merge(local.lines, { metrics = [local.shown.logins_succeeded, local.shown.logins_failed] }) }] : widget if var.logins]

  service_rows = [
    [
      { type = "metric", title = "Running pods", properties = merge(local.lines, { metrics = values(local.running) }) },
      { type = "metric", title = "CPU and memory of the pods (%)", properties = merge(local.lines, { metrics = [local.pods.pod_cpu_utilization, local.pods.pod_memory_utilization] }) },
      { type = "metric", title = "Requests in flight", properties = merge(local.lines, { metrics = [local.shown.in_flight] }) },
      { type = "metric", title = "Restarts and network (B/s)", properties = merge(local.lines, { metrics = concat(local.restarts, [local.pods.pod_network_rx_bytes, local.pods.pod_network_tx_bytes]) }) },
    ],
  ]

  worker_rows = [
    [
      { type = "metric", title = "Tasks a minute", properties = merge(local.lines, { metrics = [local.shown.queued, local.shown.succeeded, local.shown.retried, local.shown.dead_tasks] }) },
      { type = "metric", title = "Due tasks, and seconds of the oldest", properties = merge(local.lines, { metrics = [local.shown.due, concat(slice(local.shown.oldest_task, 0, 4), [merge(local.shown.oldest_task[4], { yAxis = "right" })])] }) },
      { type = "metric", title = "Seconds that a task waits and runs", properties = merge(local.lines, { metrics = [local.hidden.started, local.hidden.waited, local.hidden.ran, [{ expression = "waited / started", id = "wait", label = "wait" }], [{ expression = "ran / started", id = "run", label = "run" }]] }) },
      { type = "metric", title = "Dead letters and mails", properties = merge(local.lines, { metrics = [local.shown.dead_letters, local.shown.mails_sent, local.shown.mails_failed] }) },
    ],
  ]
}
