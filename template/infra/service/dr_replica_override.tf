# Terraform merges this over alarms.tf. The metric is measured at the source, in this region: the size of the write-ahead log that
# a replica has not received yet, which the source must keep on its disk. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html

locals {
  far_replica_alarms = {
    for name, replica in { for key, replica in module.dr_replica : "dr-replica-lag" => replica } : name => {
      severity  = "critical"
      summary   = "A replica has yet to receive more than 1 GiB of the database's log, for 15 minutes"
      metrics   = { lag = { namespace = "AWS/RDS", name = "OldestReplicationSlotLag", dimensions = { DBInstanceIdentifier = module.database.identifier }, statistic = "Average" } }
      threshold = 1024 * local.mib
      periods   = 15
      missing   = "missing"
    }
  }
}
