audit_trail_days = 365
