# Saved queries of CloudWatch Logs Insights, under <platform>/<environment>/<query>: the runbooks name them.

resource "aws_cloudwatch_query_definition" "node_messages" {
  name            = "${var.platform_name}/${var.environment}/node-messages"
  log_group_names = [module.log_groups.names["host"], module.log_groups.names["dataplane"]]

  query_string = join("\n| ", [
    "filter @message like /(?i)(out of memory|oom|evict|disk pressure|not ready|failed)/",
    "fields @timestamp, @logStream, @message",
    "sort @timestamp desc",
    "limit 50",
  ])
}
