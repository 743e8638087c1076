# Alarms on the nodes, from Container Insights (the add-on in cluster.tf). There are none for the CPU of pods, which their autoscaler controls.
# The runbooks are in docs/runbooks/alarms.

locals {
  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-enhanced-EKS.html. Without
  # data the state of the nodes is unknown, so missing data stays "missing". Only `nodes-silent` reports that the data stopped.
  node_watches = {
    nodes-failed    = { runbook = "nodes", metric = "cluster_failed_node_count", statistic = "Maximum", comparison = "GreaterThanOrEqualToThreshold", threshold = 1, minutes = 3, summary = "A node has failed for 3 minutes" }
    nodes-not-ready = { runbook = "nodes", metric = "node_status_condition_ready", statistic = "Minimum", comparison = "LessThanThreshold", threshold = 1, minutes = 15, summary = "A node has not been ready for 15 minutes" }
    nodes-too-few   = { runbook = "nodes", metric = "cluster_node_count", statistic = "Minimum", comparison = "LessThanThreshold", threshold = var.node_min, minutes = 15, summary = "Fewer than ${var.node_min} nodes for 15 minutes" }
    nodes-cpu       = { metric = "node_cpu_utilization", statistic = "Average", threshold = local.alarm_thresholds.cpu_percent, minutes = 15, summary = "CPU of the nodes above ${local.alarm_thresholds.cpu_percent} % for 15 minutes" }
    nodes-memory    = { metric = "node_memory_utilization", statistic = "Average", threshold = local.alarm_thresholds.memory_percent, minutes = 15, summary = "Memory of the nodes above ${local.alarm_thresholds.memory_percent} % for 15 minutes" }
    nodes-disk      = { metric = "node_filesystem_utilization", statistic = "Maximum", threshold = local.alarm_thresholds.disk_percent, minutes = 5, summary = "A node's disk is more than ${local.alarm_thresholds.disk_percent} % full" }
    # A count of samples is never below 1, so this alarm fires only when the metric stops.
    nodes-silent = { metric = "cluster_node_count", statistic = "SampleCount", comparison = "LessThanThreshold", threshold = 1, minutes = 10, heartbeat = true, summary = "No metric of the nodes has arrived for 10 minutes" }
  }

  node_alarms = {
    for name, watch in local.node_watches : name => {
      severity   = "critical"
      summary    = watch.summary
      runbook    = try(watch.runbook, null)
      metrics    = { m = { namespace = "ContainerInsights", name = watch.metric, dimensions = { ClusterName = module.cluster.name }, statistic = watch.statistic } }
      comparison = try(watch.comparison, "GreaterThanThreshold")
      threshold  = watch.threshold
      periods    = watch.minutes
      missing    = "missing"
      heartbeat  = try(watch.heartbeat, false)
    }
  }
}

module "alarms" {
  source = "../modules/alarms"

  name         = local.name
  owner        = "${var.team} (${var.owner_email})"
  runbooks_url = var.runbooks_url
  topic_arn    = module.sns_topic.arn
  alarms       = local.node_alarms

  # A broken node is first failed, then not ready, then missing. The composite alarm sends one message for all three.
  composites = {
    nodes = {
      severity = "critical"
      summary  = "A node has failed, is not ready or is missing"
      any_of   = [["nodes-failed"], ["nodes-not-ready"], ["nodes-too-few"]]
    }
  }
}
