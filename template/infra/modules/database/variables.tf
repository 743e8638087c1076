variable "name" {
  description = "Identifier of the instance, and prefix of other names."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "source_database" {
  description = "Source of a replica: an identifier in the same region, an ARN in another; null for a primary."
  type        = string
  default     = null
}

variable "engine_version" {
  description = "Major version of PostgreSQL."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{2}$", var.engine_version))
    error_message = "engine_version is a major version such as 17."
  }
}

variable "instance_class" {
  description = "Instance class."
  type        = string

  validation {
    condition     = can(regex("^db[.][a-z0-9]+[.][a-z0-9]+$", var.instance_class))
    error_message = "instance_class is a class such as db.t3.micro."
  }
}

variable "database_name" {
  description = "Database that is created with the instance."
  type        = string
  default     = "app"
}

variable "multi_az" {
  description = "Whether there is a standby in a second zone."
  type        = bool
  default     = false
}

variable "storage_gb" {
  description = "Initial storage (GB, gp3)."
  type        = number

  validation {
    condition     = var.storage_gb >= 20 && var.storage_gb <= 16384
    error_message = "storage_gb is from 20 to 16384."
  }
}

variable "backup_days" {
  description = "Days of backups and point-in-time recovery; a replica has none."
  type        = number
  default     = 7

  validation {
    condition     = var.backup_days >= 7 && var.backup_days <= 35
    error_message = "backup_days is from 7 to 35."
  }
}

variable "backup_window" {
  description = "Time of the daily backup (UTC, hh:mm-hh:mm). There is no backup if the instance is stopped."
  type        = string
  default     = "17:00-17:45"

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$", var.backup_window))
    error_message = "backup_window is a time of the day such as 17:00-17:45."
  }
}

variable "maintenance_window" {
  description = "Time of the weekly maintenance (UTC, ddd:hh:mm-ddd:hh:mm)."
  type        = string
  default     = "sun:18:00-sun:19:00"

  validation {
    condition     = can(regex("^(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]-(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]$", var.maintenance_window))
    error_message = "maintenance_window is a time of the week such as sun:18:00-sun:19:00."
  }
}

variable "deletion_protection" {
  description = "Whether the instance refuses to be deleted."
  type        = bool
}

variable "vpc_id" {
  description = "VPC of the instance."
  type        = string
}

variable "subnet_ids" {
  description = "Database subnets; none for a replica beside its source."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.subnet_ids) >= 2 || (length(var.subnet_ids) == 0 && var.master_secret == null)
    error_message = "RDS needs subnets in at least two zones."
  }
}

variable "client_security_group_ids" {
  description = "The only security groups that may connect, by name."
  type        = map(string)
}

variable "master_secret" {
  description = "Name of the secret with the master user's login; null for a replica, which has the login of its source."
  type        = string
  default     = null
}

variable "master_version" {
  description = "Version of that secret's value; a new version updates the instance."
  type        = number
  default     = null
}

variable "log_groups" {
  description = "Log group of each kind of log that the instance writes."
  type        = map(string)

  validation {
    condition     = alltrue([for kind, group in var.log_groups : group == "/aws/rds/instance/${var.name}/${kind}"])
    error_message = "RDS writes to /aws/rds/instance/<name>/<kind of log> and nowhere else."
  }
}

variable "key_arn" {
  description = "ARN of the key for storage and backups."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary of the roles created here; null for none."
  type        = string
  default     = null
}
