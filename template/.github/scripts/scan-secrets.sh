#!/usr/bin/env bash
# Fails if a tracked file contains keys or tokens. Keywords such as `password` next to a value are ignored, because settings and
# tests contain many. Add false positives to .secrets.baseline: uvx detect-secrets scan >.secrets.baseline
set -euo pipefail

# Plugins that detect keywords instead of secrets.
words=(--disable-plugin KeywordDetector --disable-plugin BasicAuthDetector)
found=$(mktemp)
trap 'rm -f "$found"' EXIT
uvx detect-secrets==1.5.0 scan "${words[@]}" --exclude-files '^uv\.lock$|\.terraform\.lock\.hcl$' >"$found"
known='{}'
[[ ! -f .secrets.baseline ]] || known=$(jq --compact-output '.results' .secrets.baseline)
new=$(jq --raw-output --argjson known "$known" '.results | to_entries[] | .key as $file | .value[]
  | select(.hashed_secret as $hash | [$known[$file][]?.hashed_secret] | index($hash) | not)
  | "\($file):\(.line_number): \(.type)"' "$found")
if [[ -n $new ]]; then
  echo "$new"
  echo "::error title=Secrets::Take them out, and replace them where they are used: history keeps what was committed."
  exit 1
fi
echo "no secret in $(git ls-files | wc -l) files"
