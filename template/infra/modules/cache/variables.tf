variable "name" {
  description = "Prefix of the names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 35
    error_message = "name has at most 35 lower-case letters, digits and single hyphens: an ElastiCache ID has 40."
  }
}

variable "groups" {
  description = "Replication groups: ID, description, and eviction policy for full memory."
  type = map(object({
    id          = string
    description = string
    eviction    = string
  }))

  validation {
    condition     = alltrue([for group in var.groups : contains(["allkeys-lru", "noeviction"], group.eviction)])
    error_message = "eviction is noeviction (queue, sessions) or allkeys-lru (a cache alone)."
  }
}

variable "slow_log_groups" {
  description = "Log group of each replication group's slow log."
  type        = map(string)
}

variable "engine_version" {
  description = "Version of Valkey, major and minor."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+[.][0-9]+$", var.engine_version))
    error_message = "engine_version is a version such as 8.0."
  }
}

variable "node_type" {
  description = "Node type."
  type        = string

  validation {
    condition     = can(regex("^cache[.][a-z0-9]+[.][a-z0-9]+$", var.node_type))
    error_message = "node_type is a type such as cache.t3.micro."
  }
}

variable "replicas" {
  description = "Replicas of each group; with at least one, failover is automatic."
  type        = number

  validation {
    condition     = contains([0, 1, 2, 3, 4, 5], var.replicas)
    error_message = "replicas is from 0 to 5."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "password_secret" {
  description = "Name of the secret that holds the application's login."
  type        = string
}

variable "password_version" {
  description = "Version of the secret's value; a new version updates the user."
  type        = number
}

variable "vpc_id" {
  description = "VPC of the cache."
  type        = string
}

variable "subnet_ids" {
  description = "Database subnets."
  type        = list(string)
}

variable "client_security_group_id" {
  description = "The EKS group, the only group that may connect."
  type        = string
}

variable "key_arn" {
  description = "ARN of the key for data at rest."
  type        = string
}
