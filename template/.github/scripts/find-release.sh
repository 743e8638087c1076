#!/usr/bin/env bash
# Prints the commit that a run of the workflow deploy built from main, as the output `sha` of the step. Refuses any other
# run: an image that no review has seen must not reach an environment.
#
# Usage: find-release.sh RUN_ID     needs gh, with a token that may read Actions
set -euo pipefail

run_id=$1
if [[ ! $run_id =~ ^[0-9]+$ ]]; then
  echo "::error::'$run_id' is not the number of a run"
  exit 1
fi
run=$(gh run view "$run_id" --repo "$GITHUB_REPOSITORY" --json workflowName,headBranch,event,headSha \
  --jq '[.workflowName, .headBranch, .event, .headSha] | join(" ")')
read -r workflow branch event sha <<<"$run"
if [[ "$workflow $branch $event" != "deploy main push" ]]; then
  echo "::error::run $run_id is '$workflow' of '$branch' by '$event', not the workflow deploy of main by push"
  exit 1
fi
echo "sha=$sha" >>"${GITHUB_OUTPUT:-/dev/stdout}"
