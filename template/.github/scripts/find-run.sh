#!/usr/bin/env bash
# Prints the commit of a run of a workflow, as the output `sha` of the step. Refuses a run that did not follow a push to main,
# and one in which a named job did not succeed: what no review and no check has seen must not reach an environment.
#
# Usage: find-run.sh WORKFLOW RUN_ID JOB…     needs gh, with a token that may read Actions and contents
# JOB is how a name begins: a called workflow's jobs, or a matrix's, are one.
set -euo pipefail

workflow=$1 run_id=$2
shift 2
if [[ ! $run_id =~ ^[0-9]+$ ]]; then
  echo "::error::'$run_id' is not the number of a run"
  exit 1
fi
# A name is whatever its branch writes into a file, with blanks and line ends too: @tsv leaves one line and one field of it.
run=$(gh run view "$run_id" --repo "$GITHUB_REPOSITORY" --json workflowName,headBranch,event,headSha \
  --jq '[.workflowName, .headBranch, .event, .headSha] | @tsv')
IFS=$'\t' read -r name branch event sha <<<"$run"
if [[ "$name|$branch|$event" != "$workflow|main|push" ]]; then
  echo "::error::run $run_id is '$name' of '$branch' by '$event', not the workflow $workflow of main by push"
  exit 1
fi
# The branch of a run by a tag is the tag's name, and a tag of any commit may be called main. No artifact is older than a month.
heads=$(gh api --paginate "repos/$GITHUB_REPOSITORY/activity?ref=refs/heads/main&time_period=month&per_page=100" --jq '.[].after')
if ! grep --quiet --fixed-strings --line-regexp -- "$sha" <<<"$heads"; then
  echo "::error::run $run_id is of the commit $sha, and nobody pushed that to the branch main within a month"
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
