off_hours_shutdown  = "weekends"
off_hours_time_zone = "Asia/Singapore"
