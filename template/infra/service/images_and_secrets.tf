module "registry" {
  source = "../modules/registry"

  prefix  = "${var.service}/${var.environment}"
  images  = ["api", "migrate", "worker"]
  key_arn = module.kms_key.arn

  force_delete = !var.deletion_protection
}

module "secrets" {
  source = "../modules/secrets"

  prefix  = "${var.service}/${var.environment}"
  key_arn = module.kms_key.arn
  logins  = { cache = "app", database-app = "app", database-master = "master_user", database-migrations = "migrations" }
  tokens  = ["jwt-signing", "session"]
  by_hand = ["external-api-keys"]

  versions = var.secret_versions

  # During the recovery window the name of a deleted secret cannot be reused, so environments without deletion protection have none.
  recovery_days = var.deletion_protection ? 7 : 0
}
