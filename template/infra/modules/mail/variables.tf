variable "name" {
  description = "Name of the configuration set."
  type        = string
}

variable "domain" {
  description = "Domain of the senders of email messages."
  type        = string
}

variable "zone_id" {
  description = "Zone of the domain."
  type        = string
}

variable "region" {
  description = "AWS region of Amazon SES."
  type        = string
}
