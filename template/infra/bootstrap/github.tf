# Trust in GitHub Actions. GitHub creates environments without protection rules, so a workflow on any branch can use one, and a check of
# the subject alone is not enough. Since January 2026 AWS can also test the claims `ref`, `environment` and `repository_id`; a condition
# fails if the token lacks its claim. The subject of a token is `repo:OWNER/REPOSITORY:…`; for repositories created, renamed or moved since
# July 2026 it is `repo:OWNER@ID/REPOSITORY@ID:…`. Both are accepted, the second once environments/bootstrap.local.tfvars holds the ids.

locals {
  classic_repository = "repo:${var.github_owner}/${var.github_repository}"
  exact_repository   = "repo:${var.github_owner}@${var.github_owner_id}/${var.github_repository}@${var.github_repository_id}"
  repositories       = var.github_owner_id == "" ? [local.classic_repository] : [local.classic_repository, local.exact_repository]

  # Claims of a GitHub token that each role requires: the end of the subject, the branch and the environment.
  claims = merge(
    # Plans run for pull requests, after a merge, and nightly to detect drift. They require no `ref`, because each pull request has its own.
    { plan = { subjects = ["pull_request", "ref:refs/heads/main"], claims = {} } },
    { push = { subjects = ["ref:refs/heads/main"], claims = { ref = "refs/heads/main" } } },
    { for environment in var.environments : "deploy-${environment}" => {
      subjects = ["environment:${environment}"]
      claims   = { ref = "refs/heads/main", environment = environment }
    } },
    { for environment in var.environments : "apply-${environment}" => {
      subjects = ["environment:${environment}-infrastructure"]
      claims   = { ref = "refs/heads/main", environment = "${environment}-infrastructure" }
    } },
  )

  # A repository that takes over the name of a deleted or renamed repository has another id.
  repository_claims = var.github_repository_id == "" ? {} : { repository_id = var.github_repository_id }

  provider_arn = one(concat(
    [for provider in aws_iam_openid_connect_provider.github : provider.arn],
    [for provider in data.aws_iam_openid_connect_provider.github : provider.arn],
  ))
}

# An account has one provider for GitHub; a second service in the same account uses the first one's.
resource "aws_iam_openid_connect_provider" "github" {
  for_each = toset(var.create_github_provider ? ["this"] : [])

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_openid_connect_provider" "github" {
  for_each = toset(var.create_github_provider ? [] : ["this"])

  url = "https://token.actions.githubusercontent.com"
}

data "aws_iam_policy_document" "trust" {
  for_each = local.claims

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.provider_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:sub"
      values   = [for pair in setproduct(local.repositories, each.value.subjects) : join(":", pair)]
    }

    dynamic "condition" {
      for_each = merge(local.repository_claims, each.value.claims)

      content {
        test     = "StringEquals"
        variable = "token.actions.githubusercontent.com:${condition.key}"
        values   = [condition.value]
      }
    }
  }
}

check "repository_ids_are_known" {
  assert {
    condition     = var.github_owner_id != ""
    error_message = "environments/bootstrap.local.tfvars has no ids: a repository made since July 2026 cannot take the roles. Fill in what `gh api repos/${var.github_owner}/${var.github_repository} --jq '.owner.id,.id'` prints."
  }
}
