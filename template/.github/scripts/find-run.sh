#!/usr/bin/env bash
# Prints the commit of a run of a workflow, as the output `sha` of the step. Refuses a run that did not follow a push to main,
# and one in which a named job did not succeed: what no review and no check has seen must not reach an environment.
#
# Usage: find-run.sh WORKFLOW RUN_ID JOB…     needs gh, with a token that may read Actions
# JOB is how a name begins: a called workflow's jobs, or a matrix's, are one.
set -euo pipefail

workflow=$1 run_id=$2
shift 2
if [[ ! $run_id =~ ^[0-9]+$ ]]; then
  echo "::error::'$run_id' is not the number of a run"
  exit 1
fi
run=$(gh run view "$run_id" --repo "$GITHUB_REPOSITORY" --json workflowName,headBranch,event,headSha \
  --jq '[.workflowName, .headBranch, .event, .headSha] | join(" ")')
read -r name branch event sha <<<"$run"
if [[ "$name $branch $event" != "$workflow main push" ]]; then
  echo "::error::run $run_id is '$name' of '$branch' by '$event', not the workflow $workflow of main by push"
  exit 1
fi
for job in "$@"; do
  ended=$(gh run view "$run_id" --repo "$GITHUB_REPOSITORY" --json jobs \
    --jq "[.jobs[] | select(.name | startswith(\"$job\")) | .conclusion] | unique | join(\" \")")
  if [[ $ended != success ]]; then
    echo "::error::in run $run_id the job '$job' ended with '${ended:-nothing}', not with success"
    exit 1
  fi
done
echo "sha=$sha" >>"${GITHUB_OUTPUT:-/dev/stdout}"
