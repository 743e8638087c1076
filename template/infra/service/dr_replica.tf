# A replica of the database in the second region. If the first region is lost, only the seconds of its lag are lost, instead of up to a day
# since the last copy of a backup. It uses the second platform's database subnets if one is set, otherwise a separate network.

locals {
  dr_replicas     = toset(var.dr_region != "" && var.db_read_replica ? [var.dr_region] : [])
  dr_replica_name = "${local.name}-dr-replica"

  dr_networks = merge(
    { for region, network in module.replica_network : region => { vpc_id = network.vpc_id, subnet_ids = network.database_subnet_ids, clients = {} } },
    { for platform in local.dr_platforms : var.dr_region => {
      vpc_id     = platform.vpc_id
      subnet_ids = platform.database_subnet_ids
      clients    = { cluster = platform.cluster_security_group_id }
    } },
  )
}

module "dr_replica_log" {
  source   = "../modules/log_groups"
  for_each = local.dr_replicas

  providers = { aws = aws.dr_region }

  names = merge(
    { for kind in local.database_logs : kind => "/aws/rds/instance/${local.dr_replica_name}/${kind}" },
    var.dr_platform == "" ? { flow = "/aws/vpc/${local.dr_replica_name}/flow" } : {},
  )
  retention_days = var.log_retention_days
  key_arn        = module.copy_key[each.key].arn
}

module "replica_network" {
  source   = "../modules/replica_network"
  for_each = toset(var.dr_platform == "" ? local.dr_replicas : [])

  providers = { aws = aws.dr_region }

  permissions_boundary = local.permissions_boundary
  name                 = local.dr_replica_name
  region               = each.key
  instance_class       = var.db_instance_class
  flow_log_group_arn   = module.dr_replica_log[each.key].arns["flow"]
}

module "dr_replica" {
  source   = "../modules/database"
  for_each = local.dr_replicas

  providers = { aws = aws.dr_region }

  permissions_boundary      = local.permissions_boundary
  name                      = local.dr_replica_name
  region                    = each.key
  source_database           = module.database.arn
  engine_version            = var.postgresql_version
  instance_class            = var.db_instance_class
  storage_gb                = var.db_storage_gb
  deletion_protection       = var.deletion_protection
  vpc_id                    = local.dr_networks[each.key].vpc_id
  subnet_ids                = local.dr_networks[each.key].subnet_ids
  client_security_group_ids = local.dr_networks[each.key].clients
  log_groups                = { for kind in local.database_logs : kind => module.dr_replica_log[each.key].names[kind] }
  key_arn                   = module.copy_key[each.key].arn
}
