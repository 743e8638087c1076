# Answers come from environments/<environment>.platform.tfvars;
# your own values, which win, from <environment>.platform.local.tfvars. A default here is a fact of the template's release.

variable "platform_name" {
  description = "Name of the platform."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,22}[a-z0-9])$", var.platform_name))
    error_message = "platform_name is a DNS label of 2 to 24 characters, such as shop."
  }
}

variable "environment" {
  description = "Environment."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "production"], var.environment)
    error_message = "environment is dev, staging or production."
  }
}

variable "region" {
  description = "AWS region."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is an AWS region such as ap-southeast-1."
  }
}

variable "team" {
  description = "Team that owns the platform (a tag)."
  type        = string
}

variable "owner_email" {
  description = "Email address of the owners (a tag)."
  type        = string

  validation {
    condition     = can(regex("^[^@ ]+@[^@ ]+[.][^@ ]+$", var.owner_email))
    error_message = "owner_email is an address such as team@example.com."
  }
}

variable "permissions_boundary" {
  description = "Permissions boundary of the roles created here: the bootstrap output of this name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*-boundary$", var.permissions_boundary))
    error_message = "permissions_boundary is a policy that bootstrap made, such as shop-boundary."
  }
}

variable "alert_email" {
  description = "Email address for alarms; empty for none."
  type        = string
}

variable "monthly_budget_usd" {
  description = "Monthly budget (USD)."
  type        = number

  validation {
    condition     = var.monthly_budget_usd >= 1
    error_message = "monthly_budget_usd is at least 1."
  }
}

variable "budget_scope" {
  description = "Scope of the budget: resources with the environment's tag, or the whole account."
  type        = string
  default     = "environment"

  validation {
    condition     = contains(["account", "environment"], var.budget_scope)
    error_message = "budget_scope is account or environment."
  }
}

variable "anomaly_detection" {
  description = "Cost anomaly monitor: none, services (of the account), or environment (by tag, in a management account)."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "services", "environment"], var.anomaly_detection)
    error_message = "anomaly_detection is none, services or environment."
  }
}

variable "anomaly_monitor_arn" {
  description = "ARN of the account's existing monitor for all services; empty to create one. An account can have one."
  type        = string
  default     = ""

  validation {
    condition     = var.anomaly_monitor_arn == "" || (var.anomaly_detection == "services" && can(regex("^arn:aws[a-z-]*:ce::[0-9]{12}:anomalymonitor/", var.anomaly_monitor_arn)))
    error_message = "anomaly_monitor_arn is the ARN of a monitor such as arn:aws:ce::111122223333:anomalymonitor/…, and goes with anomaly_detection = services."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827 or 3653 days."
  }
}
