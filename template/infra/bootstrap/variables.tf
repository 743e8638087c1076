# environments/bootstrap.tfvars and github.tfvars set the answers, and bootstrap.local.tfvars your own values.

variable "service" {
  description = "Name of the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.service)) && length(var.service) >= 2 && length(var.service) <= 24
    error_message = "service is a DNS label of 2 to 24 characters, such as shop."
  }
}

variable "platform_name" {
  description = "Platform that the service runs on."
  type        = string
}

variable "owns_platform" {
  description = "Whether the service creates its platform. Otherwise it joins another platform, whose resources its roles may not change."
  type        = bool
}

variable "environments" {
  description = "Environments that live in this account."
  type        = list(string)

  validation {
    condition     = length(var.environments) > 0 && alltrue([for environment in var.environments : contains(["dev", "staging", "production"], environment)])
    error_message = "environments names at least one of dev, staging and production."
  }
}

variable "region" {
  description = "AWS region."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is an AWS region such as ap-southeast-1."
  }
}

variable "team" {
  description = "Team that owns the service (a tag)."
  type        = string
}

variable "owner_email" {
  description = "Email address of the owners (a tag)."
  type        = string
}

variable "github_owner" {
  description = "GitHub organisation or user that holds the repository."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}$", var.github_owner))
    error_message = "github_owner is a GitHub login: letters, digits and single hyphens, at most 39."
  }

  validation {
    condition     = lower(var.github_owner) != "your-github-owner"
    error_message = "github_owner is still the placeholder: name the owner of the repository in environments/bootstrap.local.tfvars, or everyone who registers that name could take the roles."
  }
}

variable "github_repository" {
  description = "Name of the repository."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,100}$", var.github_repository))
    error_message = "github_repository is the repository's name without its owner."
  }
}

variable "github_owner_id" {
  description = "ID of the owner at GitHub; empty while it is unknown."
  type        = string

  validation {
    condition     = can(regex("^[0-9]*$", var.github_owner_id))
    error_message = "github_owner_id is a number."
  }
}

variable "github_repository_id" {
  description = "ID of the repository at GitHub; empty while it is unknown."
  type        = string

  validation {
    condition     = can(regex("^[0-9]*$", var.github_repository_id)) && (var.github_repository_id == "") == (var.github_owner_id == "")
    error_message = "github_repository_id is a number, and comes together with github_owner_id."
  }
}

variable "create_github_provider" {
  description = "Whether this root creates the account's OIDC provider for GitHub; an account can have one."
  type        = bool
}
