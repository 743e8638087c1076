variable "name" {
  description = "Prefix of the alarms' names."
  type        = string
}

variable "owner" {
  description = "Owner of the alarms, for their messages."
  type        = string
}

variable "runbooks_url" {
  description = "URL of docs/runbooks, where people read it."
  type        = string

  validation {
    condition     = can(regex("^https://[^ ]+[^ /]$", var.runbooks_url))
    error_message = "runbooks_url is an address such as https://github.com/acme/shop/blob/main/docs/runbooks."
  }
}

variable "topic_arn" {
  description = "ARN of the topic that receives the messages."
  type        = string
}

# periods and datapoints are the N and M of "M of N", seconds the length of a period. missing is CloudWatch's treat_missing_data. With
# heartbeat, the alarm also sends a message when its metric stops (INSUFFICIENT_DATA). It cannot report a metric that has never appeared:
# actions run only when the state changes, and a new alarm starts in that state. runbook is a file below docs/runbooks/alarms; by default it
# has the alarm's name. With an expression, the keys of metrics are its variables.
variable "alarms" {
  description = "Alarms by name."

  type = map(object({
    severity   = string
    summary    = string
    runbook    = optional(string)
    metrics    = map(object({ namespace = string, name = string, dimensions = map(string), statistic = string }))
    expression = optional(string, "")
    comparison = optional(string, "GreaterThanThreshold")
    threshold  = number
    seconds    = optional(number, 60)
    periods    = number
    datapoints = optional(number)
    missing    = string
    heartbeat  = optional(bool, false)
  }))

  validation {
    condition     = alltrue([for alarm in var.alarms : contains(["critical", "business"], alarm.severity)])
    error_message = "severity is critical or business."
  }

  validation {
    condition     = alltrue([for alarm in var.alarms : contains(["breaching", "ignore", "missing", "notBreaching"], alarm.missing)])
    error_message = "missing is breaching, ignore, missing or notBreaching."
  }

  validation {
    condition     = alltrue([for alarm in var.alarms : alarm.expression != "" || length(alarm.metrics) == 1])
    error_message = "An alarm without an expression reads one metric."
  }

  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html, EvaluationPeriods
  validation {
    condition     = alltrue([for alarm in var.alarms : alarm.seconds * alarm.periods <= (alarm.seconds < 3600 ? 86400 : 604800)])
    error_message = "CloudWatch looks back one day, or seven days with periods of an hour or more."
  }
}

# A composite alarm fires when all alarms of any one list in any_of fire.
variable "composites" {
  description = "Composite alarms by name. Each sends one message instead of one per alarm."

  type = map(object({
    severity      = string
    summary       = string
    runbook       = optional(string)
    any_of        = list(list(string))
    suppressed_by = optional(string, "")
  }))

  default = {}

  validation {
    condition     = alltrue([for composite in var.composites : contains(["critical", "business"], composite.severity)])
    error_message = "severity is critical or business."
  }
}
