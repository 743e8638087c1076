#!/usr/bin/env bash
# Renders one row of the matrix as a project in git.
#
# Usage: render-row.sh ANSWERS_FILE PROJECT     ANSWERS_FILE is one of those that `sampan matrix` writes
set -euo pipefail

answers=$1 project=$2
# The rows are computed, so each job writes them again.
uv run sampan matrix >/dev/null
uv run copier copy --defaults --quiet --vcs-ref HEAD --data-file "$answers" . "$project"
git -C "$project" init --quiet --initial-branch main
git -C "$project" add --all
git -C "$project" -c user.name=ci -c user.email=ci@example.com commit --quiet --message "Start"
