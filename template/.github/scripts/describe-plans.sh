#!/usr/bin/env bash
# Prints the plans of all environments as Markdown, short enough for a comment or an issue (65,536 characters).
#
# Usage: describe-plans.sh FOLDER     FOLDER holds a folder plan-ENVIRONMENT per environment, written by plan.sh
set -euo pipefail

folder=$1
# Characters per plan, so that six plans (three environments with two roots) fit.
each=9000
for status in "$folder"/plan-*/*.status; do
  [[ -f $status ]] || continue
  environment=$(basename "$(dirname "$status")")
  root=$(basename "$status" .status)
  case $(cat "$status") in
    none) word="no changes" ;;
    changes) word="**changes**" ;;
    waits) word="waits for the platform" ;;
    *) word="**the plan failed**" ;;
  esac
  echo "### ${environment#plan-}, $root: $word"
  if [[ $(cat "$status") != none ]]; then
    text=$(cat "${status%.status}.txt")
    # Keep the end, which has the summary and the errors. Six tildes would end the code block.
    [[ ${#text} -le $each ]] || text="…"$'\n'"${text: -$each}"
    printf '\n<details><summary>What Terraform says</summary>\n\n~~~~~~\n%s\n~~~~~~\n\n</details>\n' "${text//'~~~~~~'/------}"
  fi
  echo
done
