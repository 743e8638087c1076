# The service's secrets. Generated values are write-only, so they are in no plan and no state; a higher version number writes a new value.
# External Secrets copies them into the cluster.

locals {
  generated = merge(
    { for name, username in var.logins : name => { username = username } },
    { for name in var.tokens : name => {} },
  )
}

resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57: A value changes when its number in `versions` is raised, so that pods restart in the same change.
  for_each = toset(concat(keys(local.generated), var.by_hand))

  name                    = "${var.prefix}/${each.key}"
  description             = "${each.key} of ${var.prefix}"
  kms_key_id              = var.key_arn
  recovery_window_in_days = var.recovery_days
}

ephemeral "aws_secretsmanager_random_password" "this" {
  for_each = local.generated

  password_length     = 48
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "generated" {
  for_each = local.generated

  secret_id                = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo_version = lookup(var.versions, each.key, 1)
  secret_string_wo = jsonencode(merge(each.value, {
    (length(each.value) > 0 ? "password" : "secret") = ephemeral.aws_secretsmanager_random_password.this[each.key].random_password
  }))
}

# Empty objects that people fill in. Terraform does not read or overwrite the values later.
resource "aws_secretsmanager_secret_version" "by_hand" {
  for_each = toset(var.by_hand)

  secret_id                = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo_version = 1
  secret_string_wo         = jsonencode({})
}
