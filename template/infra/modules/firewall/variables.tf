variable "name" {
  description = "Name of the web ACL."
  type        = string
}

variable "rate_limit" {
  description = "Requests that one address may send in five minutes."
  type        = number
  default     = 2000

  validation {
    condition     = var.rate_limit >= 100 && var.rate_limit <= 2000000
    error_message = "rate_limit is from 100 to 2000000."
  }
}

variable "log_retention_days" {
  description = "Days that the log of refused requests is kept."
  type        = number
}

variable "key_arn" {
  description = "ARN of the key that encrypts the log."
  type        = string
}
