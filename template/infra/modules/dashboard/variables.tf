variable "name" {
  description = "Name of the dashboard."
  type        = string
}

variable "region" {
  description = "AWS region of the metrics and logs."
  type        = string
}

variable "alarm_names" {
  description = "Alarms whose state is shown at the top."
  type        = list(string)

  validation {
    condition     = length(var.alarm_names) > 0 && length(var.alarm_names) <= 100
    error_message = "An alarm widget shows 1 to 100 alarms."
  }
}

# A widget is { type, title, properties }, with the properties that CloudWatch's reference lists for its type.
variable "sections" {
  description = "Sections from top to bottom: a title, and rows of one to four widgets of equal width."
  type        = any

  validation {
    condition     = alltrue(flatten([for section in var.sections : [for row in section.rows : contains([1, 2, 3, 4], length(row))]]))
    error_message = "A row has one to four widgets."
  }

  validation {
    condition     = alltrue(flatten([for section in var.sections : [for row in section.rows : [for widget in row : contains(["log", "metric", "text"], widget.type)]]]))
    error_message = "A widget is of type log, metric or text."
  }
}
