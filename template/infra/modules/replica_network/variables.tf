variable "name" {
  description = "Prefix of the names."
  type        = string
}

variable "region" {
  description = "Region of the network."
  type        = string
}

variable "cidr" {
  description = "CIDR block of the network, /20 to /27. If it is connected to other networks after a disaster, it must not overlap with them."
  type        = string
  default     = "10.255.255.0/24"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("/(20|21|22|23|24|25|26|27)$", var.cidr)) && try(cidrhost(var.cidr, 0) == split("/", var.cidr)[0], false)
    error_message = "cidr is a network from /20 to /27 without host bits, such as 10.255.255.0/24."
  }
}

variable "instance_class" {
  description = "Instance class of the replica, which the zones must offer."
  type        = string
}

variable "flow_log_group_arn" {
  description = "ARN of the log group of the flow logs."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary of the roles created here; null for none."
  type        = string
  default     = null
}
