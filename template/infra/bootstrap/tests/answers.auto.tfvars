# Answers that are right in everything; each test changes what it is about.

service                = "shop"
platform_name          = "shop"
owns_platform          = true
environments           = ["dev", "production"]
region                 = "ap-southeast-1"
team                   = "shop"
owner_email            = "owner@example.com"
create_github_provider = true
github_owner           = "acme"
github_repository      = "shop"
github_owner_id        = "1001"
github_repository_id   = "2002"
