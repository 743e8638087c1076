variable "name" {
  description = "Name of the web ACL."
  type        = string
}

variable "rate_limit" {
  description = "Requests that one IP address may send in five minutes."
  type        = number
  default     = 2000

  validation {
    condition     = var.rate_limit >= 100 && var.rate_limit <= 2000000
    error_message = "rate_limit is from 100 to 2000000."
  }
}

variable "log_group_arn" {
  description = "ARN of the log group of blocked requests; WAF requires a name that starts with aws-waf-logs-."
  type        = string

  validation {
    condition     = can(regex(":log-group:aws-waf-logs-", var.log_group_arn))
    error_message = "WAF writes to log groups whose name begins with aws-waf-logs-."
  }
}
