variable "name" {
  description = "Name of the schedule group, and prefix of other names."
  type        = string
}

variable "time_zone" {
  description = "IANA time zone of the times."
  type        = string

  validation {
    condition     = can(regex("^(UTC|[A-Z][A-Za-z]+(/[A-Z][A-Za-z_-]+){1,2})$", var.time_zone))
    error_message = "time_zone is an IANA name such as Asia/Singapore."
  }
}

variable "calls" {
  description = "Schedules: name to cron fields, AWS SDK call as <service>:<operation>, and its input as JSON."
  type = map(object({
    cron  = string
    call  = string
    input = string
  }))

  validation {
    condition     = alltrue([for call in var.calls : length(split(" ", call.cron)) == 6])
    error_message = "cron has six fields: minutes, hours, day of month, month, day of week, year."
  }
}

variable "actions" {
  description = "IAM actions that the calls need."
  type        = list(string)
}

variable "resources" {
  description = "ARNs of the resources of the calls."
  type        = list(string)
}

variable "key_arn" {
  description = "ARN of the key that encrypts the schedules."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary of the roles created here; null for none."
  type        = string
  default     = null
}
