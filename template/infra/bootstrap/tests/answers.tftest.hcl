# Refusals of this root, and answers that it accepts.

mock_provider "aws" {
  source = "../testing"
}

run "right_answers_plan" {
  command = plan
}

run "wrong_answers_are_refused" {
  command = plan

  variables {
    service           = "Shop!"
    environments      = []
    region            = "Singapore"
    github_owner      = "-acme"
    github_repository = "acme/shop"
    github_owner_id   = "acme"
  }

  expect_failures = [
    var.service,
    var.environments,
    var.region,
    var.github_owner,
    var.github_repository,
    var.github_owner_id,
  ]
}

run "the_placeholder_is_no_owner" {
  command = plan

  variables {
    github_owner = "Your-GitHub-Owner"
  }

  expect_failures = [var.github_owner]
}

run "one_id_without_the_other_is_refused" {
  command = plan

  variables {
    github_repository_id = ""
  }

  expect_failures = [var.github_repository_id]
}

run "missing_ids_are_noticed" {
  command = plan

  variables {
    github_owner_id      = ""
    github_repository_id = ""
  }

  expect_failures = [check.repository_ids_are_known]
}
