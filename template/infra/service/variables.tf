# Answers come from environments/<environment>.service.tfvars;
# your own values, which win, from <environment>.service.local.tfvars. A default here is a fact of the template's release.

variable "service" {
  description = "Name of the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.service)) && length(var.service) >= 2 && length(var.service) <= 24
    error_message = "service is a DNS label of 2 to 24 characters, such as shop."
  }
}

variable "platform_name" {
  description = "Platform that the service runs on."
  type        = string
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
  description = "Team that owns the service (a tag)."
  type        = string
}

variable "owner_email" {
  description = "Email address of the owners (a tag)."
  type        = string
}

variable "alert_email" {
  description = "Email address for alarms; empty for none."
  type        = string
}

variable "permissions_boundary" {
  description = "Permissions boundary of the roles created here: the bootstrap output of this name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*-boundary$", var.permissions_boundary))
    error_message = "permissions_boundary is a policy that bootstrap made, such as shop-boundary."
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

variable "domain" {
  description = "Host name of the service; empty for HTTP on the load balancer's own name."
  type        = string

  validation {
    condition     = var.domain == "" || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z]{2,}$", var.domain))
    error_message = "domain is a host name in lower case, such as api.example.com, or empty."
  }
}

variable "domain_delegated" {
  description = "Whether the parent zone delegates to this zone; Terraform then waits for the certificate."
  type        = bool
}

variable "delegations" {
  description = "Labels below the domain that live in other zones: label to name servers."
  type        = map(list(string))
  default     = {}

  validation {
    condition     = alltrue([for label, servers in var.delegations : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", label)) && length(servers) >= 2])
    error_message = "Each of delegations is a label such as dev with at least two name servers: output name_servers of that environment."
  }
}

variable "environments_below" {
  description = "Environments whose host names are labels below the domain."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for environment in var.environments_below : contains(["dev", "staging", "production"], environment)])
    error_message = "environments_below names dev, staging or production."
  }
}

variable "secret_versions" {
  description = "Version of each secret's value, by name; a higher number writes a new value."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.secret_versions) : contains(["cache", "database-app", "database-master", "database-migrations", "jwt-signing", "session"], name)])
    error_message = "secret_versions knows cache, database-app, database-master, database-migrations, jwt-signing and session."
  }
}
