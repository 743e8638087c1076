variable "name" {
  description = "Service and environment, for people."
  type        = string
}

variable "domain" {
  description = "Host name."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z]{2,}$", var.domain))
    error_message = "domain is a host name in lower case, such as api.example.com."
  }
}

variable "delegated" {
  description = "Whether the parent zone delegates to this zone, so that Terraform can wait for the certificate."
  type        = bool
}

variable "delegations" {
  description = "Labels below the domain that live in other zones: label to name servers."
  type        = map(list(string))
}
