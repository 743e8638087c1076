# Service level objectives: the share of requests of 30 days that fail or are slow may not exceed the error budget. An alarm fires when
# the budget is spent many times too fast, in a long window and in a short one: the long window shows that it matters, and the short
# window that it still happens. Windows and rates are those of the SRE workbook: at 14.4 a month's budget lasts two days, at 6 five days.
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

  # Rounded: 0.1 % has no finite binary fraction.
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
