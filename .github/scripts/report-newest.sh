#!/usr/bin/env bash
# Opens, changes or closes the issue on the newest versions.
#
# Usage: report-newest.sh RESULT RUN_URL     RESULT is `success` or what GitHub calls another end of a job
set -euo pipefail

title="The newest versions of packages fail the tests"
report() { "$(dirname "$0")/../../template/.github/scripts/report-issue.sh" "$title" "$@"; }
if [[ $1 == success ]]; then
  report --close "The newest versions pass: $2"
else
  body=$(mktemp)
  {
    printf 'The scheduled run with the newest versions of all packages ended in %s: %s\n\n' "$1" "$2"
    printf 'The summary of the run lists the versions that moved. Rendered projects keep the versions of the last release until then.\n'
  } >"$body"
  report "$body"
fi
