variable "name" {
  description = "Name of the configuration set."
  type        = string
}

variable "domain" {
  description = "Domain that mail is sent from."
  type        = string
}

variable "zone_id" {
  description = "Zone of the domain."
  type        = string
}

variable "region" {
  description = "AWS region that sends."
  type        = string
}
