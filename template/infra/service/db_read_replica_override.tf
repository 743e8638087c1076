# Terraform merges this over alarms.tf. ReplicaLag is in seconds, and -1 while replication is broken:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html

locals {
  replica_alarms = {
    for name, replica in { for key, replica in module.read_replica : "read-replica-lag" => replica } : name => {
      severity   = "critical"
      summary    = "The read replica lags by more than ${local.alarm_thresholds.replication_lag_seconds} s, or does not replicate, for 15 minutes"
      metrics    = { lag = { namespace = "AWS/RDS", name = "ReplicaLag", dimensions = { DBInstanceIdentifier = replica.identifier }, statistic = "Average" } }
      expression = "IF(lag < 0, 86400, lag)"
      threshold  = local.alarm_thresholds.replication_lag_seconds
      periods    = 15
      missing    = "missing"
    }
  }
}
