# Service level objectives: within 30 days, the share of failed or slow requests may not exceed the error budget. An alarm fires when the
# burn rate is too high both in a long window, which shows that the problem is significant, and in a short one, which shows that it
# continues. Windows and burn rates are those of the SRE workbook: at 14.4 a month's budget lasts two days, at 6 five days.
# https://sre.google/workbook/alerting-on-slos/

locals {
  objectives = {
    availability = { bad = "errors", percent = local.failed_percent, budget = 100 - local.promised.availability_percent, what = "fail" }
    latency      = { bad = "slow", percent = local.slow_percent, budget = 100 - local.promised.latency_percent, what = "take longer than 0.5 s" }
  }

  burn_windows = {
    fast-1h  = { rate = 14.4, seconds = 3600, window = "an hour" }
    fast-5m  = { rate = 14.4, seconds = 300, window = "5 minutes" }
    slow-6h  = { rate = 6, seconds = 21600, window = "6 hours" }
    slow-30m = { rate = 6, seconds = 1800, window = "30 minutes" }
  }

  # Thresholds are rounded, because values such as 0.1 % have no exact binary representation.
  budget_alarms = merge([
    for name, objective in local.objectives : {
      for window, burn in local.burn_windows : "${name}-${window}" => {
        severity   = "business"
        summary    = "More than ${format("%.4g", objective.budget * burn.rate)} % of the requests of ${burn.window} ${objective.what}: ${burn.rate} times what the error budget allows"
        runbook    = "error-budget"
        metrics    = { requests = local.metrics.requests, (objective.bad) = local.metrics[objective.bad] }
        expression = objective.percent
        threshold  = tonumber(format("%.4g", objective.budget * burn.rate))
        seconds    = burn.seconds
        periods    = 1
        missing    = "notBreaching"
      }
    }
  ]...)

  fast_burns = [for name in keys(local.objectives) : ["${name}-fast-1h", "${name}-fast-5m"]]
  slow_burns = [for name in keys(local.objectives) : ["${name}-slow-6h", "${name}-slow-30m"]]
}
