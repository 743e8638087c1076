db_read_replica = true
