# Saved queries of CloudWatch Logs Insights, under <service>/<environment>/<query>: the runbooks name them. Fluent Bit
# writes the logs of all pods of the cluster to one log group. It parses JSON lines into log_processed, which other lines do not have.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-setup-logs-FluentBit.html

locals {
  application_log = "/aws/containerinsights/${local.platform.cluster_name}/application"

  queries = {
    failed-requests = [
      "filter log_processed.event = 'request' and log_processed.status >= 500",
      "stats count(*) as failed by log_processed.method, log_processed.route, log_processed.status",
      "sort failed desc",
      "limit 50",
    ]
    exceptions = [
      "filter ispresent(log_processed.exception)",
      "fields @timestamp, log_processed.event, log_processed.path, log_processed.request_id, log_processed.exception",
      "sort @timestamp desc",
      "limit 20",
    ]
    slow-requests = [
      "filter log_processed.event = 'request' and log_processed.milliseconds > 500",
      "stats count(*) as slow, pct(log_processed.milliseconds, 95) as p95 by log_processed.method, log_processed.route",
      "sort slow desc",
      "limit 50",
    ]
    requests = [
      "filter log_processed.event = 'request'",
      "stats count(*) as requests, pct(log_processed.milliseconds, 50) as p50, pct(log_processed.milliseconds, 95) as p95 by log_processed.method, log_processed.route",
      "sort requests desc",
      "limit 50",
    ]
    failed-tasks = [
      "filter log_processed.event in ['task is dead', 'task failed', 'task attempt failed']",
      "fields @timestamp, log_processed.event, log_processed.task_id, log_processed.kind, log_processed.attempt, log_processed.problem, log_processed.error, log_processed.reason, log_processed.exception",
      "sort @timestamp desc",
      "limit 50",
    ]
    waiting-tasks = [
      "filter log_processed.event in ['task succeeded', 'task attempt failed', 'stranded task queued again', 'attempt not queued: it waits for the sweeper', 'backlog not measured', 'entry of the queue dropped']",
      "stats count(*) as lines by log_processed.event, log_processed.kind, log_processed.error, log_processed.reason",
      "sort lines desc",
    ]
    refused-logins = [
      "filter log_processed.event = 'login refused'",
      "stats count(*) as refused by log_processed.address, log_processed.reason",
      "sort refused desc",
      "limit 50",
    ]
    database-errors = [
      "filter log_processed.event in ['database connection failed', 'idle database connection replaced']",
      "stats count(*) as lines by log_processed.event, log_processed.error, kubernetes.pod_name",
      "sort lines desc",
    ]
    redis-errors = [
      "filter log_processed.event in ['redis does not answer: calls fail at once', 'redis answers again']",
      "fields @timestamp, log_processed.event, log_processed.use, kubernetes.pod_name",
      "sort @timestamp desc",
      "limit 50",
    ]
    worst-lines = [
      "filter log_processed.level in ['error', 'critical']",
      "stats count(*) as lines by log_processed.event, log_processed.logger, log_processed.release",
      "sort lines desc",
      "limit 50",
    ]
    one-request = [
      "filter log_processed.request_id = 'REQUEST-ID'",
      "fields @timestamp, kubernetes.pod_name, log_processed.level, log_processed.event, log",
      "sort @timestamp asc",
    ]
  }
}

resource "aws_cloudwatch_query_definition" "this" {
  for_each = { for name, query in local.queries : name => query if var.logins || name != "refused-logins" }

  name            = "${var.service}/${var.environment}/${each.key}"
  log_group_names = [local.application_log]
  query_string    = join("\n| ", concat(["filter kubernetes.namespace_name = '${var.service}'"], each.value))
}
