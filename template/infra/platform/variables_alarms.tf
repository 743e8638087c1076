variable "runbooks_url" {
  description = "Address of docs/runbooks, for the messages of the alarms."
  type        = string
}

variable "alarm_thresholds" {
  description = "Thresholds of the alarms (percent); omitted attributes keep their defaults."

  type = object({
    cpu_percent    = optional(number, 80)
    memory_percent = optional(number, 80)
    disk_percent   = optional(number, 85)
  })

  default = {}

  validation {
    condition     = alltrue([for percent in var.alarm_thresholds : percent > 0 && percent < 100])
    error_message = "Each of alarm_thresholds is above 0 and below 100."
  }
}
