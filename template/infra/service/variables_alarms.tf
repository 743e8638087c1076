variable "runbooks_url" {
  description = "Address of docs/runbooks, for the messages of the alarms."
  type        = string
}

variable "logins" {
  description = "Whether users log in to this service itself; only then are logins watched."
  type        = bool
}

# Percent, seconds, days and hours, as the names say. Requests are those of five minutes.
variable "alarm_thresholds" {
  description = "Thresholds of the alarms; omitted attributes keep their defaults."

  type = object({
    errors_percent                = optional(number, 5)
    slow_requests_percent         = optional(number, 5)
    fewest_requests               = optional(number, 20)
    dead_tasks                    = optional(number, 1)
    oldest_task_seconds           = optional(number, 300)
    login_failures                = optional(number, 20)
    login_failures_percent        = optional(number, 20)
    pool_percent                  = optional(number, 90)
    database_cpu_percent          = optional(number, 80)
    database_connections_percent  = optional(number, 80)
    database_free_memory_percent  = optional(number, 20)
    database_free_storage_percent = optional(number, 15)
    cache_cpu_percent             = optional(number, 80)
    cache_memory_percent          = optional(number, 80)
    cache_evictions               = optional(number, 1000)
    replication_lag_seconds       = optional(number, 30)
    backup_hours                  = optional(number, 26)
    certificate_days              = optional(number, 21)
  })

  default = {}

  validation {
    condition     = alltrue([for name, value in var.alarm_thresholds : value > 0 && (!endswith(name, "_percent") || value < 100)])
    error_message = "Each of alarm_thresholds is above 0, and a percentage is below 100."
  }

  validation {
    condition     = var.alarm_thresholds.backup_hours <= 168
    error_message = "CloudWatch looks back seven days: backup_hours is at most 168."
  }
}

variable "objectives" {
  description = "Share of requests in 30 days (percent) that are answered without a server error, and within 0.5 s."

  type = object({
    availability_percent = optional(number, 99.9)
    latency_percent      = optional(number, 99)
  })

  default = {}

  validation {
    condition     = alltrue([for percent in var.objectives : percent >= 90 && percent < 100])
    error_message = "Each of objectives is from 90 to below 100: an error budget of nothing is spent by the first error."
  }
}
