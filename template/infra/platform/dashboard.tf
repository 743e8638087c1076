# Dashboard of the nodes: capacity, traffic and cost. Each service has its own dashboard.

locals {
  node_lines = { period = 60, stat = "Average", view = "timeSeries", stacked = false, yAxis = { left = { min = 0 } } }
  node = {
    for metric, label in {
      cluster_node_count                 = "nodes"
      cluster_failed_node_count          = "failed"
      node_status_condition_ready        = "ready"
      node_cpu_utilization               = "used"
      node_cpu_reserved_capacity         = "reserved"
      node_memory_utilization            = "used"
      node_memory_reserved_capacity      = "reserved"
      node_filesystem_utilization        = "used"
      node_network_total_bytes           = "network"
      node_diskio_io_service_bytes_total = "disk"
      node_number_of_running_pods        = "pods"
    } : metric => ["ContainerInsights", metric, "ClusterName", module.cluster.name, { label = label }]
  }
}

module "dashboard" {
  source = "../modules/dashboard"

  name        = "${local.name}-platform"
  region      = var.region
  alarm_names = values(module.alarms.names)

  sections = [
    {
      title = "Nodes"
      rows = [
        [
          { type = "metric", title = "Nodes, and those that failed", properties = merge(local.node_lines, { metrics = [local.node.cluster_node_count, local.node.cluster_failed_node_count] }) },
          { type = "metric", title = "CPU used and reserved (%)", properties = merge(local.node_lines, { metrics = [local.node.node_cpu_utilization, local.node.node_cpu_reserved_capacity], annotations = { horizontal = [{ label = "alarm", value = local.alarm_thresholds.cpu_percent }] } }) },
          { type = "metric", title = "Memory used and reserved (%)", properties = merge(local.node_lines, { metrics = [local.node.node_memory_utilization, local.node.node_memory_reserved_capacity], annotations = { horizontal = [{ label = "alarm", value = local.alarm_thresholds.memory_percent }] } }) },
          { type = "metric", title = "Fullest disk (%)", properties = merge(local.node_lines, { stat = "Maximum", metrics = [local.node.node_filesystem_utilization], annotations = { horizontal = [{ label = "alarm", value = local.alarm_thresholds.disk_percent }] } }) },
        ],
        [
          { type = "metric", title = "Network of a node (B/s)", properties = merge(local.node_lines, { metrics = [local.node.node_network_total_bytes] }) },
          { type = "metric", title = "Disk of a node, read and written (B/s)", properties = merge(local.node_lines, { metrics = [local.node.node_diskio_io_service_bytes_total] }) },
          { type = "metric", title = "Pods of a node", properties = merge(local.node_lines, { metrics = [local.node.node_number_of_running_pods] }) },
          { type = "metric", title = "Share of nodes that are ready", properties = merge(local.node_lines, { metrics = [local.node.node_status_condition_ready] }) },
        ],
      ]
    },
    {
      title = "Cost"
      rows = [
        [
          { type = "metric", title = "Node hours a day", properties = merge(local.node_lines, { period = 86400, metrics = [concat(slice(local.node.cluster_node_count, 0, 4), [{ id = "nodes", visible = false }]), [{ expression = "nodes * 24", id = "hours", label = "node hours" }]] }) },
          { type = "metric", title = "Log bytes an hour", properties = merge(local.node_lines, { period = 3600, stat = "Sum", metrics = [for name in values(module.log_groups.names) : ["AWS/Logs", "IncomingBytes", "LogGroupName", name, { label = name }]] }) },
          { type = "text", title = "Budget", properties = { markdown = "**Cost.** `docs/cost.md` estimates a month, and the budget sends a message at 80 % of it. Bills are in AWS Cost Explorer, by the tag `Environment`." } },
        ],
      ]
    },
  ]
}
