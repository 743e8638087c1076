variable "name" {
  description = "Prefix of the names."
  type        = string
}

variable "copy_region" {
  description = "Region of the copies."
  type        = string
}

variable "database_arn" {
  description = "ARN of the database that is backed up."
  type        = string
}

variable "repository_prefix" {
  description = "Prefix of the names of the replicated repositories."
  type        = string
}

variable "keep_days" {
  description = "Days that backups and copies are kept."
  type        = number
  default     = 35

  validation {
    condition     = var.keep_days >= 7
    error_message = "keep_days is at least 7."
  }
}

variable "hour" {
  description = "Hour of the daily backup (UTC), two hours before the database's backup window: AWS Backup refuses backups within an hour of it."
  type        = number

  validation {
    condition     = contains(range(24), var.hour)
    error_message = "hour is from 0 to 23."
  }
}

variable "key_arn" {
  description = "ARN of the key of the vault in the first region."
  type        = string
}

variable "copy_key_arn" {
  description = "ARN of the key of the vault in the region of the copies."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary of the roles created here; null for none."
  type        = string
  default     = null
}
