#!/usr/bin/env bash
# Updates the issue about drift from the nightly plans of a run: opens or edits it if there is drift, and closes it otherwise.
#
# Usage: report-drift.sh RUN_ID RESULT     RESULT is the result of all plan jobs. An environment without a plan is
# unknown, so the issue stays open. Needs gh, with a token that may read Actions and write issues
set -euo pipefail

run_id=$1 result=$2
title="The infrastructure differs from infra/"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
plans=$(gh api "repos/$GITHUB_REPOSITORY/actions/runs/$run_id/artifacts" --jq '[.artifacts[] | select(.name | startswith("plan-"))] | length')
if [[ $plans == 0 ]]; then
  echo "::notice::nothing was planned"
  exit 0
fi
gh run download "$run_id" --repo "$GITHUB_REPOSITORY" --pattern 'plan-*' --dir "$folder"
if grep --quiet --line-regexp --invert-match none "$folder"/plan-*/*.status; then
  {
    echo "Somebody changed it by hand, or a change of main has not been applied. [The run]($GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$run_id) has the whole text."
    echo
    [[ $result == success ]] || printf 'Not every environment could be planned: the run says why.\n\n'
    .github/scripts/describe-plans.sh "$folder"
  } >"$folder/issue.md"
  .github/scripts/report-issue.sh "$title" "$folder/issue.md"
elif [[ $result != success ]]; then
  echo "::notice::not every environment could be planned: the issue is unchanged"
else
  .github/scripts/report-issue.sh "$title" --close "Nothing differs any more."
fi
