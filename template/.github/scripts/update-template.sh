#!/usr/bin/env bash
# Updates this project to the newest release of its template, on a separate branch, and reports the result as the outputs
# `outcome` and `version` of the step:
#   none      there is no newer release, or it changes nothing here
#   update    FOLDER/update.bundle holds the commit, and FOLDER/report.md describes it
#   conflict  FOLDER/report.md lists the decisions for a person; there is no commit
#
# Usage: update-template.sh FOLDER     needs git, jq, uv and a clean work tree with its history
set -euo pipefail

folder=$1
answers=$(jq --raw-output .answers docs/ownership.json)
version=9.19.1
copier=(uvx "copier==$version")
mkdir -p "$folder"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

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

# Write a report for a person (title, then lines) and restore the work tree.
conflict() {
  {
    printf '%s\n\n' "$1"
    printf -- '- %s\n' "${@:2}"
    printf '\nOn a machine: run "%s update --answers-file %s", decide, run "uv lock", and open a pull request.\n' "${copier[*]}" "$answers"
  } >"$folder/report.md"
  git reset --quiet --hard "$start"
  finish conflict
}

before=$(fact _commit)
after=$before
template=$(fact _src_path)
if [[ $template != *:* && ! -d $template ]]; then
  echo "::notice title=No template::This project was rendered from $template, which only the machine of that day has. Write the address of the template's repository to _src_path in $answers."
  finish none
fi
# A project of an unreleased template version is newer than the newest release, and Copier refuses to downgrade.
"${copier[@]}" check-update --answers-file "$answers" --quiet && finish none
start=$(git rev-parse HEAD)

# If the new release rejects a stored answer, Copier fails with a traceback. Its last line names the question and the reason.
if ! "${copier[@]}" update --answers-file "$answers" --defaults --quiet 2>"$scratch/copier.log"; then
  cat "$scratch/copier.log" >&2
  refusal=$(sed -n 's/^ValueError: //p' "$scratch/copier.log" | tail -n 1)
  [[ -n $refusal ]] || exit 1
  after=v$("${copier[@]}" check-update --answers-file "$answers" --output-format json | sed -n 's/.*"latest_version": "\([^"]*\)".*/\1/p')
  conflict "Release $after of the template needs an answer from you (\"${copier[*]} update -d name=value\"):" "$refusal"
fi
after=$(fact _commit)
git add --all

mapfile -t conflicts < <({
  git grep --cached --name-only --extended-regexp '^(<<<<<<< before updating|>>>>>>> after updating)' || true
  git ls-files -- '*.rej'
} | sort --unique)
if [[ ${#conflicts[@]} -gt 0 ]]; then
  conflict "Release $after of the template conflicts with this project's own changes in:" "${conflicts[@]}"
fi

git show "$start:./$answers" >"$scratch/answers.yml"
mapfile -t changed < <(uvx --from "copier==$version" python .github/scripts/changed_answers.py "$scratch/answers.yml" "$answers")
if [[ ${#changed[@]} -gt 0 ]]; then
  conflict "Release $after of the template would replace these answers:" "${changed[@]}"
fi

# Copier discards edits in files that the release renames or removes. Compare with a rendering of the old release to find them.
mapfile -t removed < <(git diff --cached --no-renames --diff-filter=D --name-only --relative)
if [[ ${#removed[@]} -gt 0 ]]; then
  old=$scratch/old
  "${copier[@]}" copy --defaults --quiet --vcs-ref "$before" --data-file "$scratch/answers.yml" "$template" "$old"
  edited=()
  for path in "${removed[@]}"; do
    git show "$start:./$path" | cmp --quiet - "$old/$path" || edited+=("$path")
  done
  if [[ ${#edited[@]} -gt 0 ]]; then
    conflict "Release $after of the template renames or removes these files, and the edits in them would be lost:" "${edited[@]}"
  fi
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
