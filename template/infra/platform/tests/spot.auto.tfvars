spot_instance_types = ["t3.medium", "t3a.medium", "c5.large", "c6i.large"]
spot_max            = 4
