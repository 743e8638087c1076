variable "runbooks_url" {
  description = "URL of docs/runbooks, for the messages of the alarms."
  type        = string
}

variable "logins" {
  description = "Whether users log in to this service; only then are there alarms on logins."
  type        = bool
}

# The names give the units. Counts are per period of the alarm, usually five minutes.
locals {
  default_thresholds = {
    errors_percent                = 5
    slow_requests_percent         = 5
    fewest_requests               = 20
    dead_tasks                    = 1
    oldest_task_seconds           = 300
    login_failures                = 20
    login_failures_percent        = 20
    pool_percent                  = 90
    database_cpu_percent          = 80
    database_connections_percent  = 80
    database_free_memory_percent  = 20
    database_free_storage_percent = 15
    cache_cpu_percent             = 80
    cache_memory_percent          = 80
    cache_evictions               = 1000
    replication_lag_seconds       = 30
    backup_hours                  = 26
    certificate_days              = 21
  }

  alarm_thresholds = merge(local.default_thresholds, var.alarm_thresholds)
}

variable "alarm_thresholds" {
  description = "Thresholds of the alarms; omitted attributes keep their defaults."
  type        = map(number)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.alarm_thresholds), keys(local.default_thresholds))) == 0
    error_message = "alarm_thresholds knows ${join(", ", keys(local.default_thresholds))}."
  }

  validation {
    condition     = alltrue([for name, value in var.alarm_thresholds : value > 0 && (!endswith(name, "_percent") || value < 100)])
    error_message = "Each of alarm_thresholds is above 0, and a percentage is below 100."
  }

  validation {
    condition     = lookup(var.alarm_thresholds, "backup_hours", 0) <= 168
    error_message = "CloudWatch looks back seven days: backup_hours is at most 168."
  }
}

locals {
  default_objectives = {
    availability_percent = 99.9
    latency_percent      = 99
  }

  promised = merge(local.default_objectives, var.objectives)
}

variable "objectives" {
  description = "Share of requests in 30 days (percent) that are answered without a server error, and within 0.5 s."
  type        = map(number)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.objectives), keys(local.default_objectives))) == 0
    error_message = "objectives knows ${join(", ", keys(local.default_objectives))}."
  }

  validation {
    condition     = alltrue([for percent in var.objectives : percent >= 90 && percent < 100])
    error_message = "Each of objectives is from 90 to below 100: an error budget of nothing is spent by the first error."
  }
}
