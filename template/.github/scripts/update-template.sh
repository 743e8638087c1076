#!/usr/bin/env bash
# Brings this project to the newest release of its template, on a branch of its own, and says how that went as the outputs
# `outcome` and `version` of the step:
#   none      there is no newer release, or it changes nothing here
#   update    FOLDER/update.bundle holds the commit, and FOLDER/report.md describes it
#   conflict  FOLDER/report.md says what a person has to decide; there is no commit
#
# Usage: update-template.sh FOLDER     needs git, uv and a clean work tree with its history
set -euo pipefail

folder=$1
answers=.copier-answers.yml
copier=(uvx copier==9.19.1)
mkdir -p "$folder"

fact() {
  sed -n "s/^$1: //p" "$answers" | tr -d "'\""
}

finish() {
  {
    echo "outcome=$1"
    echo "version=$after"
  } >>"${GITHUB_OUTPUT:-/dev/stdout}"
  echo "$1: $before to $after"
  exit 0
}

# A report for a person: title, then lines.
report() {
  printf '%s\n\n' "$1" >"$folder/report.md"
  printf -- '- %s\n' "${@:2}" >>"$folder/report.md"
  printf '\nOn a machine: run "%s update", decide, run "uv lock", and open a pull request.\n' "${copier[*]}" >>"$folder/report.md"
}

before=$(fact _commit)
after=$before
template=$(fact _src_path)
if [[ $template != *:* && ! -d $template ]]; then
  echo "::notice title=No template::This project was rendered from $template, which only the machine of that day has. Write the address of the template's repository to _src_path in $answers."
  finish none
fi
# A project of an unreleased template is ahead of the newest release: Copier refuses to downgrade.
"${copier[@]}" check-update --quiet && finish none
start=$(git rev-parse HEAD)
"${copier[@]}" update --defaults --quiet
after=$(fact _commit)
git add --all

# An answer that the new release refuses falls back to its default without a word: nobody has decided that.
mapfile -t lost < <(git diff --cached --unified=0 -- "$answers" | sed -n 's/^-\([a-z][a-z_]*\):.*/\1/p' |
  while read -r name; do grep --quiet "^$name:" "$answers" && echo "$name"; done || true)
mapfile -t conflicts < <({
  git grep --cached --name-only --extended-regexp '^(<<<<<<< before updating|>>>>>>> after updating)' || true
  git ls-files -- '*.rej'
} | sort --unique)
if [[ ${#conflicts[@]} -gt 0 ]]; then
  report "Release $after of the template conflicts with this project's own changes in:" "${conflicts[@]}"
  git reset --quiet --hard "$start"
  finish conflict
fi
if [[ ${#lost[@]} -gt 0 ]]; then
  report "Release $after of the template no longer takes these answers and would replace them by its defaults:" "${lost[@]}"
  git reset --quiet --hard "$start"
  finish conflict
fi
git diff --cached --quiet && finish none

uv lock --quiet
git add --all
git -c user.name="github-actions[bot]" -c user.email="41898282+github-actions[bot]@users.noreply.github.com" \
  commit --quiet --message "Update from the template: $before to $after"
git bundle create --quiet "$folder/update.bundle" "$start..HEAD"
{
  printf 'From %s to %s, by the workflow template-update. Read what the release says it touches, then look at:\n\n' "$before" "$after"
  git diff --name-only "$start" HEAD | head -n 200 | sed 's/^/- /'
} >"$folder/report.md"
finish update
