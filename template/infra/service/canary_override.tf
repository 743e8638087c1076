# A canary release is promoted or rolled back within an hour. Canary pods that run for two hours were left by an interrupted deploy.
# Terraform merges this file over alarms.tf.

locals {
  rollout_alarms = {
    canary-stuck = {
      severity   = "business"
      summary    = "Pods of a canary have run for 2 hours"
      metrics    = { pods = merge(local.running_pods, { statistic = "Maximum", dimensions = merge(local.running_pods.dimensions, { Service = "api-canary" }) }) }
      comparison = "GreaterThanOrEqualToThreshold"
      threshold  = 1
      seconds    = 300
      periods    = 24
      missing    = "notBreaching"
    }
  }
}
