#!/usr/bin/env bash
# Plans the roots of one environment. For each it writes into FOLDER: ROOT.status (none, changes, failed or waits), ROOT.txt
# (Terraform's output) and, if there are changes, ROOT.tfplan and ROOT.lock.hcl (its provider versions). If a plan fails, the script
# continues with the other roots and fails at the end.
#
# Usage: plan.sh ENVIRONMENT FOLDER     needs terraform, `uv sync` and credentials that may read
set -euo pipefail

environment=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
failed=
waits=
for root in platform service; do
  [[ -d infra/$root ]] || continue
  if [[ -n $waits ]]; then
    echo "waits" >"$folder/$root.status"
    echo "The platform changes first; its contract is what this root is planned with." >"$folder/$root.txt"
    continue
  fi
  code=0
  # Without a state lock: this role cannot write one, and a slightly outdated state is acceptable.
  .venv/bin/ops terraform "$environment" "$root" plan -input=false -lock=false -no-color -detailed-exitcode \
    -out="$folder/$root.tfplan" >"$folder/$root.txt" 2>"$folder/$root.errors" || code=$?
  if [[ $code == 0 ]]; then
    echo "none" >"$folder/$root.status"
    rm -f "$folder/$root.tfplan"
  elif [[ $code == 2 && -f $folder/$root.tfplan ]]; then
    echo "changes" >"$folder/$root.status"
    cp "infra/$root/.terraform.lock.hcl" "$folder/$root.lock.hcl"
    [[ $root != platform ]] || waits=yes
  else
    echo "failed" >"$folder/$root.status"
    cat "$folder/$root.errors" >>"$folder/$root.txt"
    failed=yes
    waits=yes
  fi
  rm -f "$folder/$root.errors"
  echo "$environment, $root: $(cat "$folder/$root.status")"
done
[[ -z $failed ]] || exit 1
