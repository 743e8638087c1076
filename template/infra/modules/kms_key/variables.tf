variable "name" {
  description = "Alias of the key, without alias/."
  type        = string
}

variable "description" {
  description = "The data that the key protects."
  type        = string
}

variable "region" {
  description = "AWS region of the key."
  type        = string
}

variable "services" {
  description = "AWS services that use the key on their own behalf, such as cloudwatch.amazonaws.com. CloudWatch Logs always may."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for service in var.services : can(regex("^[a-z-]+[.]amazonaws[.]com$", service))])
    error_message = "Each service must be a service principal such as cloudwatch.amazonaws.com."
  }

  validation {
    condition     = !contains(var.services, "events.amazonaws.com")
    error_message = "EventBridge sends no source account, so the key would refuse it and its messages would be lost in silence."
  }
}
