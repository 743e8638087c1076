#!/usr/bin/env bash
# Opens, updates or closes the issue with a given title.
#
# Usage: report-issue.sh TITLE BODY_FILE | report-issue.sh TITLE --close REASON     needs gh, with a token that may write issues
set -euo pipefail

title=$1
# The search is by words, so compare the whole title. Ignore issues of people: only they edit and close those.
number=$(gh issue list --repo "$GITHUB_REPOSITORY" --state open --search "in:title \"$title\"" --json number,title,author |
  jq --raw-output --arg title "$title" '[.[] | select(.title == $title and .author.is_bot) | .number] | first // empty')
if [[ $2 == --close ]]; then
  [[ -z $number ]] || gh issue close "$number" --repo "$GITHUB_REPOSITORY" --comment "$3"
elif [[ -n $number ]]; then
  gh issue edit "$number" --repo "$GITHUB_REPOSITORY" --body-file "$2"
else
  gh issue create --repo "$GITHUB_REPOSITORY" --title "$title" --body-file "$2"
fi
