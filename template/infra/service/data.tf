# Data stores of the service: PostgreSQL and Valkey.

locals {
  database_logs = ["postgresql", "upgrade"]

  # A single group holds queue, sessions and cache, so it must not evict and refuses writes when it is full. With two groups, the cache is
  # separate and evicts.
  cache_groups = {
    one = {
      main = { id = local.name, description = "Queue, sessions and cache of ${local.name}", eviction = "noeviction" }
    }
    two = {
      main = { id = local.name, description = "Queue and sessions of ${local.name}", eviction = "noeviction" }
      lru  = { id = "${local.name}-lru", description = "Cache of ${local.name}", eviction = "allkeys-lru" }
    }
  }
}

module "log_groups" {
  source = "../modules/log_groups"

  names = merge(
    { for kind in local.database_logs : kind => "/aws/rds/instance/${local.name}/${kind}" },
    { for key, group in local.cache_groups[var.cache_groups] : "slow-${key}" => "/aws/elasticache/${group.id}/slow" },
    { metrics = "/service/${var.service}/${var.environment}/metrics" },
  )
  retention_days = var.log_retention_days
  key_arn        = module.kms_key.arn
}

module "database" {
  source = "../modules/database"

  permissions_boundary      = local.permissions_boundary
  name                      = local.name
  region                    = var.region
  engine_version            = var.postgresql_version
  instance_class            = var.db_instance_class
  database_name             = "app"
  multi_az                  = var.db_multi_az
  storage_gb                = var.db_storage_gb
  backup_days               = var.db_backup_days
  backup_window             = var.db_backup_window
  maintenance_window        = var.db_maintenance_window
  deletion_protection       = var.deletion_protection
  vpc_id                    = local.platform.vpc_id
  subnet_ids                = local.platform.database_subnet_ids
  client_security_group_ids = { cluster = local.platform.cluster_security_group_id }
  master_secret             = module.secrets.names["database-master"]
  master_version            = module.secrets.versions["database-master"]
  log_groups                = { for kind in local.database_logs : kind => module.log_groups.names[kind] }
  key_arn                   = module.kms_key.arn
}

module "cache" {
  source = "../modules/cache"

  name                     = local.name
  groups                   = local.cache_groups[var.cache_groups]
  engine_version           = var.valkey_version
  node_type                = var.cache_node_type
  replicas                 = var.cache_replicas
  region                   = var.region
  password_secret          = module.secrets.names["cache"]
  password_version         = module.secrets.versions["cache"]
  vpc_id                   = local.platform.vpc_id
  subnet_ids               = local.platform.database_subnet_ids
  client_security_group_id = local.platform.cluster_security_group_id
  slow_log_groups          = { for key in keys(local.cache_groups[var.cache_groups]) : key => module.log_groups.names["slow-${key}"] }
  key_arn                  = module.kms_key.arn
}
