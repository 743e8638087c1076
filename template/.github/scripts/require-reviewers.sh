#!/usr/bin/env bash
# Fails unless a GitHub environment has required reviewers. GitHub creates an environment when it is first named,
# without reviewers: without this check, the job would not wait for a person.
#
# Usage: require-reviewers.sh ENVIRONMENT     needs gh, with a token that may read Actions
set -euo pipefail

environment=$1
reviewers=$(gh api "repos/$GITHUB_REPOSITORY/environments/$environment" \
  --jq '[.protection_rules[]? | select(.type == "required_reviewers") | .reviewers[]] | length')
if [[ $reviewers == 0 ]]; then
  echo "::error title=Nobody was asked::Give the GitHub environment $environment required reviewers, then run this again."
  exit 1
fi
