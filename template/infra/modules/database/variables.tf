variable "name" {
  description = "Identifier of the instance and root of the names."
  type        = string
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
  description = "Database that is made with the instance."
  type        = string
}

variable "multi_az" {
  description = "Whether a standby waits in a second zone."
  type        = bool
}

variable "storage_gb" {
  description = "Storage (GB, gp3) to begin with."
  type        = number

  validation {
    condition     = var.storage_gb >= 20 && var.storage_gb <= 16384
    error_message = "storage_gb is from 20 to 16384."
  }
}

variable "backup_days" {
  description = "Days of backups, and of point-in-time recovery."
  type        = number

  validation {
    condition     = var.backup_days >= 7 && var.backup_days <= 35
    error_message = "backup_days is from 7 to 35."
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
  description = "Database subnets."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "RDS needs subnets in at least two zones."
  }
}

variable "client_security_group_id" {
  description = "The EKS group, which alone may connect."
  type        = string
}

variable "log_retention_days" {
  description = "Days that database logs are kept."
  type        = number
}

variable "key_arn" {
  description = "ARN of the key for storage, backups, logs and the master's secret."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the roles made here; null for none."
  type        = string
  default     = null
}
