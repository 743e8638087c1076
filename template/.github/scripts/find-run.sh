#!/usr/bin/env bash
# Prints the commit of a workflow run, as the output `sha` of the step. Fails unless the run was started by a push to main and
# all named jobs succeeded, because unreviewed or unchecked code must not reach an environment.
#
# Usage: find-run.sh WORKFLOW RUN_ID JOB…     needs gh, with a token that may read Actions and contents
# JOB is a prefix of job names, because a called workflow and a matrix consist of several jobs.
set -euo pipefail

workflow=$1 run_id=$2
shift 2
if [[ ! $run_id =~ ^[0-9]+$ ]]; then
  echo "::error::'$run_id' is not the number of a run"
  exit 1
fi
# Names come from files of the run's branch and may contain tabs and newlines; @tsv escapes them.
run=$(gh run view "$run_id" --repo "$GITHUB_REPOSITORY" --json workflowName,headBranch,event,headSha \
  --jq '[.workflowName, .headBranch, .event, .headSha] | @tsv')
IFS=$'\t' read -r name branch event sha <<<"$run"
if [[ "$name|$branch|$event" != "$workflow|main|push" ]]; then
  echo "::error::run $run_id is '$name' of '$branch' by '$event', not the workflow $workflow of main by push"
  exit 1
fi
# A run of a tag has the tag as its branch, and a tag on any commit can be called main. So check that the commit was pushed to the branch
# main, within the month for which artifacts are kept.
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
