variable "runbooks_url" {
  description = "URL of docs/runbooks, for the messages of the alarms."
  type        = string
}

locals {
  default_thresholds = {
    cpu_percent    = 80
    memory_percent = 80
    disk_percent   = 85
  }

  alarm_thresholds = merge(local.default_thresholds, var.alarm_thresholds)
}

variable "alarm_thresholds" {
  description = "Thresholds of the alarms (percent); omitted attributes keep their defaults."
  type        = map(number)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.alarm_thresholds), keys(local.default_thresholds))) == 0
    error_message = "alarm_thresholds knows ${join(", ", keys(local.default_thresholds))}."
  }

  validation {
    condition     = alltrue([for percent in var.alarm_thresholds : percent > 0 && percent < 100])
    error_message = "Each of alarm_thresholds is above 0 and below 100."
  }
}
