# The platform belongs to another service. Its network, cluster and roles can only be used from the account that holds them.

check "platform_join_stays_in_one_account" {
  assert {
    condition     = local.platform.account_id == local.account
    error_message = "The platform ${var.platform_name} lives in account ${local.platform.account_id}, and this run in ${local.account}."
  }
}
