# The lower half of the dashboard, and the dashboard itself.

locals {
  data_rows = [
    [
      { type = "metric", title = "CPU of the database (%)", properties = merge(local.lines, { metrics = [local.database.CPUUtilization] }) },
      { type = "metric", title = "Connections of the database, and its errors", properties = merge(local.lines, { metrics = [local.database.DatabaseConnections, local.shown.database_errors] }) },
      { type = "metric", title = "Free memory and storage (bytes)", properties = merge(local.lines, { metrics = [local.database.FreeableMemory, local.database.FreeStorageSpace] }) },
      { type = "metric", title = "Latency (s) and operations a second", properties = merge(local.lines, { metrics = [local.database.ReadLatency, local.database.WriteLatency, concat(local.database.ReadIOPS, [{ yAxis = "right" }]), concat(local.database.WriteIOPS, [{ yAxis = "right" }])] }) },
    ],
    [
      { type = "metric", title = "Connections of a process's pool", properties = merge(local.lines, { metrics = [local.shown.pool_in_use, local.shown.pool_size, local.shown.pool_waiting] }) },
      { type = "metric", title = "Cache hits (%) and errors", properties = merge(local.lines, { metrics = [local.hidden.hits, local.hidden.misses, [{ expression = "100 * hits / (hits + misses)", id = "hit_percent", label = "hits" }], concat(slice(local.shown.cache_errors, 0, 4), [merge(local.shown.cache_errors[4], { yAxis = "right" })]), concat(slice(local.shown.redis_open, 0, 4), [merge(local.shown.redis_open[4], { yAxis = "right" })])] }) },
      { type = "metric", title = "CPU and memory of the cache (%)", properties = merge(local.lines, { metrics = concat(local.cache.EngineCPUUtilization, local.cache.DatabaseMemoryUsagePercentage) }) },
      { type = "metric", title = "Evictions, and lag of replicas (s)", properties = merge(local.lines, { metrics = concat(local.cache.Evictions, local.cache.ReplicationLag) }) },
    ],
  ]

  # Billing data is per day and account. These metrics show the usage that drives the cost.
  cost_rows = [
    [
      { type = "metric", title = "Log bytes an hour", properties = merge(local.lines, { period = 3600, stat = "Sum", metrics = [for name in [local.application_log, module.log_groups.names["metrics"]] : ["AWS/Logs", "IncomingBytes", "LogGroupName", name, { label = name }]] }) },
      { type = "metric", title = "Samples of the application's metrics an hour", properties = merge(local.lines, { period = 3600, metrics = [local.shown.scrapes] }) },
      { type = "text", title = "Budget", properties = { markdown = "**Cost.** `docs/cost.md` estimates a month, and the budget sends a message at 80 % of it. Bills are in AWS Cost Explorer, by the tags `Stack` and `Environment`." } },
    ],
  ]
}

module "dashboard" {
  source = "../modules/dashboard"

  name        = local.name
  region      = var.region
  alarm_names = values(module.alarms.names)

  sections = [
    { title = "Users", rows = local.user_rows },
    { title = "Service", rows = local.service_rows },
    { title = "Worker", rows = local.worker_rows },
    { title = "Data", rows = local.data_rows },
    { title = "Cost", rows = local.cost_rows },
  ]
}
