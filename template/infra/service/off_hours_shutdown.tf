# Stops the database in off-hours, like the nodes. RDS starts a stopped instance automatically after seven days, and cannot stop an
# instance that has a read replica.

variable "off_hours_shutdown" {
  description = "When the database stops: none, weekends, nights-and-weekends (up 08:00 to 20:00, Monday to Friday), or minimum-only (never)."
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
  # The database stops half an hour after the nodes, and starts half an hour before them.
  off_hours_calls = {
    none                = {}
    weekends            = { stopDBInstance = "30 20 ? * FRI *", startDBInstance = "30 7 ? * MON *" }
    nights-and-weekends = { stopDBInstance = "30 20 ? * MON-FRI *", startDBInstance = "30 7 ? * MON-FRI *" }
    minimum-only        = {}
  }[var.off_hours_shutdown]
}

module "off_hours" {
  source   = "../modules/schedule"
  for_each = toset(length(local.off_hours_calls) > 0 ? ["database"] : [])

  permissions_boundary = local.permissions_boundary
  name                 = "${local.name}-${each.key}"
  time_zone            = var.off_hours_time_zone
  key_arn              = module.kms_key.arn
  actions              = ["rds:StartDBInstance", "rds:StopDBInstance"]
  resources            = [module.database.arn]

  calls = {
    for call, cron in local.off_hours_calls : call => {
      cron  = cron
      call  = "rds:${call}"
      input = jsonencode({ DbInstanceIdentifier = module.database.identifier })
    }
  }
}

# A planned stop must not send alarms: their actions are muted from just before the database stops until it has started.
module "off_hours_alarms" {
  source   = "../modules/schedule"
  for_each = toset(length(local.off_hours_calls) > 0 ? ["alarms"] : [])

  permissions_boundary = local.permissions_boundary
  name                 = "${local.name}-${each.key}"
  time_zone            = var.off_hours_time_zone
  key_arn              = module.kms_key.arn
  actions              = ["cloudwatch:DisableAlarmActions", "cloudwatch:EnableAlarmActions"]
  resources            = values(module.alarms.arns)

  calls = {
    for call, cron in {
      disableAlarmActions = replace(local.off_hours_calls["stopDBInstance"], "30 20", "25 20")
      enableAlarmActions  = replace(local.off_hours_calls["startDBInstance"], "30 7", "0 8")
      } : call => {
      cron  = cron
      call  = "cloudwatch:${call}"
      input = jsonencode({ AlarmNames = values(module.alarms.names) })
    }
  }
}
