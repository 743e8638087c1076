# Stops the nodes, or reduces them to the minimum, outside working hours. Control plane, NAT and load balancer still cost money. In
# off-hours a plan shows changed node group sizes, so apply in working hours.

variable "off_hours_shutdown" {
  description = "When nodes stop: none, weekends, nights-and-weekends (up 08:00 to 20:00, Monday to Friday), or minimum-only (minimum size at those times instead of a stop)."
  type        = string

  validation {
    condition     = contains(["none", "weekends", "nights-and-weekends", "minimum-only"], var.off_hours_shutdown)
    error_message = "off_hours_shutdown is none, weekends, nights-and-weekends or minimum-only."
  }
}

variable "off_hours_time_zone" {
  description = "IANA time zone of the working hours."
  type        = string
}

locals {
  # Nodes stop at 20:00 and start at 08:00. Cron fields of EventBridge Scheduler.
  off_hours_times = {
    none                = {}
    weekends            = { down = "0 20 ? * FRI *", up = "0 8 ? * MON *" }
    nights-and-weekends = { down = "0 20 ? * MON-FRI *", up = "0 8 ? * MON-FRI *" }
    minimum-only        = { down = "0 20 ? * MON-FRI *", up = "0 8 ? * MON-FRI *" }
  }[var.off_hours_shutdown]

  # EKS requires a maximum of at least 1, so one node may start again if the autoscaler is the last pod to stop.
  off_hours_sizes = {
    for name, size in local.node_groups : name => {
      down = var.off_hours_shutdown == "minimum-only" ? { MinSize = size.min, DesiredSize = size.min, MaxSize = max(size.min, 1) } : { MinSize = 0, DesiredSize = 0, MaxSize = 1 }
      up   = { MinSize = size.min, DesiredSize = size.min, MaxSize = size.max }
    }
  }
}

module "off_hours" {
  source   = "../modules/schedule"
  for_each = toset(length(local.off_hours_times) > 0 ? ["nodes"] : [])

  permissions_boundary = local.permissions_boundary
  name                 = "${local.name}-${each.key}"
  time_zone            = var.off_hours_time_zone
  key_arn              = module.kms_key.arn
  actions              = ["eks:UpdateNodegroupConfig"]
  resources            = ["arn:${data.aws_partition.current.partition}:eks:${var.region}:${local.account}:nodegroup/${local.name}/*/*"]

  calls = merge([
    for name, sizes in local.off_hours_sizes : {
      for direction, cron in local.off_hours_times : "${name}-${direction}" => {
        cron  = cron
        call  = "eks:updateNodegroupConfig"
        input = jsonencode({ ClusterName = local.name, NodegroupName = name, ScalingConfig = sizes[direction] })
      }
    }
  ]...)
}

# A planned stop must not send alarms: their actions are muted from just before the stop until half an hour after the start.
module "off_hours_alarms" {
  source   = "../modules/schedule"
  for_each = toset(length(local.off_hours_times) > 0 ? ["node-alarms"] : [])

  permissions_boundary = local.permissions_boundary
  name                 = "${local.name}-${each.key}"
  time_zone            = var.off_hours_time_zone
  key_arn              = module.kms_key.arn
  actions              = ["cloudwatch:DisableAlarmActions", "cloudwatch:EnableAlarmActions"]
  resources            = values(module.alarms.arns)

  calls = {
    for call, cron in {
      disableAlarmActions = replace(local.off_hours_times.down, "0 20", "55 19")
      enableAlarmActions  = replace(local.off_hours_times.up, "0 8", "30 8")
      } : call => {
      cron  = cron
      call  = "cloudwatch:${call}"
      input = jsonencode({ AlarmNames = values(module.alarms.names) })
    }
  }
}
