#!/usr/bin/env bash
# Posts the plans of a run as a comment of the pull request, or updates the comment of an earlier run.
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
# Only a comment of the workflow itself: the author of any other comment could change the text of the plan.
comment=$(gh api "repos/$GITHUB_REPOSITORY/issues/$pull_request/comments" --paginate \
  --jq ".[] | select(.user.login == \"github-actions[bot]\" and (.body | startswith(\"$mark\"))) | .id" | head -n 1)
if [[ -n $comment ]]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$comment" --field "body=@$folder/comment.md" --silent
else
  gh api --method POST "repos/$GITHUB_REPOSITORY/issues/$pull_request/comments" --field "body=@$folder/comment.md" --silent
fi
