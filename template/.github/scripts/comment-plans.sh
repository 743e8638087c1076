#!/usr/bin/env bash
# Writes the plans of a run into the pull request: one comment, changed when there is a newer plan.
#
# Usage: comment-plans.sh RUN_ID PULL_REQUEST     needs gh, with a token that may read Actions and write pull requests
set -euo pipefail

run_id=$1 pull_request=$2
mark='<!-- infrastructure plans -->'
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
plans=$(gh api "repos/$GITHUB_REPOSITORY/actions/runs/$run_id/artifacts" --jq '[.artifacts[] | select(.name | startswith("plan-"))] | length')
if [[ $plans == 0 ]]; then
  echo "::notice::there is no plan to show"
  exit 0
fi
gh run download "$run_id" --repo "$GITHUB_REPOSITORY" --pattern 'plan-*' --dir "$folder"
{
  echo "$mark"
  echo "## Infrastructure"
  echo
  .github/scripts/describe-plans.sh "$folder"
} >"$folder/comment.md"
# The workflow's own: a comment of somebody else with this mark would show the plan in words that they can change.
comment=$(gh api "repos/$GITHUB_REPOSITORY/issues/$pull_request/comments" --paginate \
  --jq ".[] | select(.user.login == \"github-actions[bot]\" and (.body | startswith(\"$mark\"))) | .id" | head -n 1)
if [[ -n $comment ]]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$comment" --field "body=@$folder/comment.md" --silent
else
  gh api --method POST "repos/$GITHUB_REPOSITORY/issues/$pull_request/comments" --field "body=@$folder/comment.md" --silent
fi
