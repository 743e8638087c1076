# Names that each boundary covers: those of one environment, or of all environments in the account.

locals {
  # Environments that each boundary covers. The account's boundary uses "*" instead of names, because a policy may have 6,144 characters.
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

  # Controllers to whose roles a service adds inline policies, also on a platform of another project. External Secrets is not among them:
  # its role can assume the secrets reader of every service, so only the platform may change its policies.
  controllers = { for key, environments in local.covered : key => flatten([
    for environment in environments : [
      for name in ["external-dns", "load-balancer"] : "arn:${local.partition}:iam::${local.account}:role/${var.platform_name}-${environment}-${name}"
    ]
  ]) }

  # The role of a platform's External Secrets has this boundary, and assumes the reader role of each service to fetch its secrets.
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

  # AWS's public parameters, and the contracts of platforms: a service may join another platform, or fail over to one in a second region.
  read_parameters = { for key, environments in local.covered : key => concat(
    ["arn:${local.partition}:ssm:*::parameter/aws/service/*"],
    [for environment in environments : "arn:${local.partition}:ssm:*:${local.account}:parameter/platform/*/${environment}/contract"],
  ) }

  # Buckets that the roots create. The state bucket is not among them: own_states allows single objects of it.
  own_buckets = { for key, prefixes in local.prefixes : key => flatten([
    for prefix in prefixes : ["arn:${local.partition}:s3:::${prefix}-*", "arn:${local.partition}:s3:::${prefix}-*/*"]
  ]) }

  own_states = { for key, environments in local.covered : key => [
    for environment in environments : "arn:${local.partition}:s3:::${local.state_bucket}/${environment}${key == "account" ? "" : "/*"}"
  ] }

  doors = [for name in ["plan", "push", "*-apply", "*-deploy"] : "arn:${local.partition}:iam::${local.account}:role/${var.service}-${name}"]
}
