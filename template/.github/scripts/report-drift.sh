#!/usr/bin/env bash
# Keeps one issue true to the nightly plans of a run: opened or changed while something differs, closed once nothing does.
#
# Usage: report-drift.sh RUN_ID     needs gh, with a token that may read Actions and write issues
set -euo pipefail

run_id=$1
title="The infrastructure differs from infra/"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if ! gh run download "$run_id" --repo "$GITHUB_REPOSITORY" --pattern 'plan-*' --dir "$folder"; then
  echo "::notice::nothing was planned"
  exit 0
fi
if grep --quiet --line-regexp --invert-match none "$folder"/plan-*/*.status; then
  {
    echo "Somebody changed it by hand, or a change of main has not been applied. [The run]($GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$run_id) has the whole text."
    echo
    .github/scripts/describe-plans.sh "$folder"
  } >"$folder/issue.md"
  .github/scripts/report-issue.sh "$title" "$folder/issue.md"
else
  .github/scripts/report-issue.sh "$title" --close "Nothing differs any more."
fi
