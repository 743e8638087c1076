# A canary ends within the hour, promoted or withdrawn. Pods that still run after two hours belong to a deploy that died. Terraform merges
# this over alarms.tf.

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
