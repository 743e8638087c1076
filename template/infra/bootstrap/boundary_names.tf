# Names that each boundary covers: those of one environment, or of all in the account.

locals {
  # The environments that each boundary covers: its own, or all of the account. A policy has 6,144 characters, so the account's names none.
  boundaries = merge({ account = var.environments }, { for environment in var.environments : environment => [environment] })
  covered    = merge({ account = ["*"] }, { for environment in var.environments : environment => [environment] })

  boundary_names = { for key, _ in local.boundaries : key => key == "account" ? "${var.service}-boundary" : "${var.service}-${key}-boundary" }

  boundary_arns = { for key, environments in local.boundaries : key => [
    for environment in environments : "arn:${local.partition}:iam::${local.account}:policy/${local.boundary_names[environment]}"
  ] }

  # Names begin with service and environment, and with platform and environment where the platform is the project's own.
  prefixes = { for key, environments in local.covered : key => distinct(flatten([
    for environment in environments : concat(["${var.service}-${environment}"], var.owns_platform ? ["${var.platform_name}-${environment}"] : [])
  ])) }

  own_roles = { for key, prefixes in local.prefixes : key => [for prefix in prefixes : "arn:${local.partition}:iam::${local.account}:role/${prefix}-*"] }

  # Controllers of any platform, to which a service adds its own rights as policies of its name. External Secrets
  # is not among them: its role becomes every service's reader of secrets, and only its platform writes what it may do.
  controllers = { for key, environments in local.covered : key => flatten([
    for environment in environments : [
      for name in ["external-dns", "load-balancer"] : "arn:${local.partition}:iam::${local.account}:role/${var.platform_name}-${environment}-${name}"
    ]
  ]) }

  # A platform's External Secrets, whose role carries this boundary, becomes the reader of the service whose secrets it fetches.
  readers = { for key, environments in local.covered : key => [
    for environment in environments : "arn:${local.partition}:iam::${local.account}:role/*-${environment}-secrets-reader" if var.owns_platform
  ] }

  own_clusters = { for key, environments in local.covered : key => flatten([
    for environment in environments : [
      for path in ["cluster/%s", "access-entry/%s/*", "podidentityassociation/%s/*"] :
      "arn:${local.partition}:eks:*:${local.account}:${format(path, "${var.platform_name}-${environment}")}"
    ]
  ]) }

  own_secrets = { for key, environments in local.covered : key => [
    for environment in environments : "arn:${local.partition}:secretsmanager:*:${local.account}:secret:${var.service}/${environment}/*"
  ] }

  own_parameters = { for key, environments in local.covered : key => flatten([
    for environment in environments : [
      for path in concat(["service/${var.service}"], var.owns_platform ? ["platform/${var.platform_name}"] : []) :
      "arn:${local.partition}:ssm:*:${local.account}:parameter/${path}/${environment}/contract"
    ]
  ]) }

  # AWS's parameters, and the contracts of platforms: of the platform that a service joins, and of a second region.
  read_parameters = { for key, environments in local.covered : key => concat(
    ["arn:${local.partition}:ssm:*::parameter/aws/service/*"],
    [for environment in environments : "arn:${local.partition}:ssm:*:${local.account}:parameter/platform/*/${environment}/contract"],
  ) }

  # Buckets of the roots, and the states of the environments: never the bucket of the states itself.
  own_buckets = { for key, prefixes in local.prefixes : key => flatten([
    for prefix in prefixes : ["arn:${local.partition}:s3:::${prefix}-*", "arn:${local.partition}:s3:::${prefix}-*/*"]
  ]) }

  own_states = { for key, environments in local.covered : key => [
    for environment in environments : "arn:${local.partition}:s3:::${local.state_bucket}/${environment}${key == "account" ? "" : "/*"}"
  ] }

  doors = [for name in ["plan", "push", "*-apply", "*-deploy"] : "arn:${local.partition}:iam::${local.account}:role/${var.service}-${name}"]
}
