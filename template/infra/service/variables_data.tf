variable "postgresql_version" {
  description = "Major version of PostgreSQL. Releases of the template raise it."
  type        = string
  default     = "17"
}

variable "db_instance_class" {
  description = "Instance class of the database."
  type        = string
}

variable "db_memory_mib" {
  description = "Memory of the class (MiB), for the alarms."
  type        = number

  validation {
    condition     = var.db_memory_mib >= 512
    error_message = "db_memory_mib is the memory of the class, such as 1024 for db.t3.micro."
  }
}

variable "db_max_connections" {
  description = "Connection limit of the class, for the alarms."
  type        = number

  validation {
    condition     = var.db_max_connections >= 20 && var.db_max_connections <= 5000
    error_message = "db_max_connections is from 20 to 5000."
  }
}

variable "db_multi_az" {
  description = "Whether there is a standby in a second zone."
  type        = bool
}

variable "db_storage_gb" {
  description = "Initial storage (GB); it grows automatically to four times that."
  type        = number

  validation {
    condition     = var.db_storage_gb >= 20 && var.db_storage_gb <= 16384
    error_message = "db_storage_gb is from 20 to 16384."
  }
}

variable "db_backup_days" {
  description = "Days of backups, and of point-in-time recovery."
  type        = number

  validation {
    condition     = var.db_backup_days >= 7 && var.db_backup_days <= 35
    error_message = "db_backup_days is from 7 to 35."
  }
}

variable "db_backup_window" {
  description = "Time of the database's daily backup (UTC), at which the database must not be stopped."
  type        = string
  default     = "17:00-17:45"
}

variable "db_maintenance_window" {
  description = "Time of the database's weekly maintenance (UTC), at which the database must not be stopped."
  type        = string
  default     = "sun:18:00-sun:19:00"
}

variable "deletion_protection" {
  description = "Whether the database refuses to be deleted, secrets can be restored for 7 days, and repositories with images stay."
  type        = bool
}

variable "valkey_version" {
  description = "Version of Valkey. Releases of the template raise it."
  type        = string
  default     = "8.0"
}

variable "cache_node_type" {
  description = "Node type of the cache."
  type        = string
}

variable "cache_replicas" {
  description = "Replicas of each cache group."
  type        = number

  validation {
    condition     = contains([0, 1, 2, 3, 4, 5], var.cache_replicas)
    error_message = "cache_replicas is from 0 to 5."
  }
}

variable "cache_groups" {
  description = "one: a single group for queue, sessions and cache. two: a separate group for the cache, which may evict."
  type        = string

  validation {
    condition     = contains(["one", "two"], var.cache_groups)
    error_message = "cache_groups is one or two."
  }
}
