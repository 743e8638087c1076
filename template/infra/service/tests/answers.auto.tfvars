# Answers of a service that is right in everything; each test changes what it is about.

service              = "shop"
platform_name        = "shop"
environment          = "production"
region               = "ap-southeast-1"
team                 = "shop"
permissions_boundary = "shop-boundary"
owner_email          = "owner@example.com"
alert_email          = "alerts@example.com"
log_retention_days   = 30
domain               = "api.example.com"
domain_delegated     = false
db_instance_class    = "db.t3.micro"
db_memory_mib        = 1024
db_max_connections   = 112
db_multi_az          = true
db_storage_gb        = 20
db_backup_days       = 7
deletion_protection  = true
cache_node_type      = "cache.t3.micro"
cache_replicas       = 1
cache_groups         = "one"
