dr_region = "ap-southeast-2"
