#!/usr/bin/env bash
# Fails unless the last run of a workflow for a commit of main ended with success.
#
# Usage: require-success.sh WORKFLOW COMMIT     needs gh, with a token that may read Actions
set -euo pipefail

workflow=$1 commit=$2
ended=$(gh run list --repo "$GITHUB_REPOSITORY" --workflow "$workflow" --branch main --event push --commit "$commit" --limit 1 \
  --json conclusion --jq '.[0].conclusion // "nothing"')
if [[ $ended != success ]]; then
  echo "::error::the workflow $workflow ended with '$ended' for $commit; release what has passed"
  exit 1
fi
