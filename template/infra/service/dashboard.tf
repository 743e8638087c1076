# One page for what AWS measures of this service. Metrics of the application itself are not here.

locals {
  dashboard_rows = {
    database = {
      "CPU of the database (%)"      = [["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", module.database.identifier]]
      "Connections to the database"  = [["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", module.database.identifier]]
      "Free memory, storage (bytes)" = [for metric in ["FreeableMemory", "FreeStorageSpace"] : ["AWS/RDS", metric, "DBInstanceIdentifier", module.database.identifier]]
      "Latency of reads, writes (s)" = [for metric in ["ReadLatency", "WriteLatency"] : ["AWS/RDS", metric, "DBInstanceIdentifier", module.database.identifier]]
    }
    cache = {
      "CPU of the cache (%)"    = [for id in values(module.cache.nodes) : ["AWS/ElastiCache", "EngineCPUUtilization", "CacheClusterId", id]]
      "Memory of the cache (%)" = [for id in values(module.cache.nodes) : ["AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "CacheClusterId", id]]
      "Connections, evictions"  = [for pair in setproduct(["CurrConnections", "Evictions"], values(module.cache.nodes)) : ["AWS/ElastiCache", pair[0], "CacheClusterId", pair[1]]]
      "Lag of the replicas (s)" = [for id in values(module.cache.nodes) : ["AWS/ElastiCache", "ReplicationLag", "CacheClusterId", id]]
    }
    cluster = {
      "CPU of the pods (%)"       = [["ContainerInsights", "pod_cpu_utilization", "ClusterName", local.platform.cluster_name, "Namespace", var.service]]
      "Memory of the pods (%)"    = [["ContainerInsights", "pod_memory_utilization", "ClusterName", local.platform.cluster_name, "Namespace", var.service]]
      "Network of the pods (B/s)" = [for metric in ["pod_network_rx_bytes", "pod_network_tx_bytes"] : ["ContainerInsights", metric, "ClusterName", local.platform.cluster_name, "Namespace", var.service]]
      "Restarts of containers"    = [["ContainerInsights", "pod_number_of_container_restarts", "ClusterName", local.platform.cluster_name, "Namespace", var.service]]
    }
  }

  # Four widgets in a row of 24 columns, below a widget that shows every alarm.
  dashboard_widgets = flatten([
    for row, widgets in values(local.dashboard_rows) : [
      for column, title in keys(widgets) : {
        type   = "metric"
        x      = column * 6
        y      = 3 + row * 6
        width  = 6
        height = 6
        properties = {
          title   = title
          region  = var.region
          period  = 60
          stat    = "Average"
          view    = "timeSeries"
          metrics = widgets[title]
        }
      }
    ]
  ])
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local.name

  dashboard_body = jsonencode({
    widgets = concat(
      [{ type = "alarm", x = 0, y = 0, width = 24, height = 3, properties = { title = "Alarms", alarms = values(module.alarms.arns) } }],
      local.dashboard_widgets,
    )
  })
}
