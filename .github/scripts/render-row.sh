#!/usr/bin/env bash
# Renders one row of the matrix as a project in git.
#
# Usage: ANSWERS=JSON render-row.sh PROJECT     ANSWERS is `answers` of an entry that `sampan matrix` prints
set -euo pipefail

project=$1
file=$(mktemp --suffix .yml)
printf '%s\n' "$ANSWERS" >"$file"
uv run copier copy --defaults --quiet --vcs-ref HEAD --data-file "$file" . "$project"
git -C "$project" init --quiet --initial-branch main
git -C "$project" add --all
git -C "$project" -c user.name=ci -c user.email=ci@example.com commit --quiet --message "Start"
