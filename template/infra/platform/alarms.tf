# Alarms on the nodes, from Container Insights, whose add-on cluster.tf brings. Pods have none: 80 % is what their autoscaler aims at.

locals {
  node_alarms = {
    nodes-failed = { metric = "cluster_failed_node_count", threshold = 1, minutes = 3, statistic = "Maximum", says = "A node has failed for 3 minutes" }
    nodes-cpu    = { metric = "node_cpu_utilization", threshold = 80, minutes = 15, statistic = "Average", says = "CPU of the nodes above 80 % for 15 minutes" }
    nodes-memory = { metric = "node_memory_utilization", threshold = 80, minutes = 15, statistic = "Average", says = "Memory of the nodes above 80 % for 15 minutes" }
    nodes-disk   = { metric = "node_filesystem_utilization", threshold = 85, minutes = 5, statistic = "Maximum", says = "A node's disk is more than 85 % full" }
  }
}

resource "aws_cloudwatch_metric_alarm" "nodes" {
  for_each = local.node_alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = "ContainerInsights"
  metric_name         = each.value.metric
  dimensions          = { ClusterName = module.cluster.name }
  statistic           = each.value.statistic
  comparison_operator = each.value.metric == "cluster_failed_node_count" ? "GreaterThanOrEqualToThreshold" : "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = "missing"
  alarm_actions       = [module.sns_topic.arn]
  ok_actions          = [module.sns_topic.arn]
}
