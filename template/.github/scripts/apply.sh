#!/usr/bin/env bash
# Applies the saved plans of one environment, in order. Terraform refuses a plan whose state has changed since.
#
# Usage: apply.sh ENVIRONMENT FOLDER     FOLDER is what plan.sh wrote; needs terraform, `uv sync` and credentials that may write
set -euo pipefail

environment=$1 folder=$2
for root in platform service; do
  [[ -f $folder/$root.status ]] || continue
  status=$(cat "$folder/$root.status")
  case $status in
    none) echo "$environment, $root: nothing to apply" ;;
    changes)
      # Terraform reads the saved plan from this path; git ignores it.
      cp "$folder/$root.tfplan" "infra/$root/saved.tfplan"
      # Use the provider versions of the plan, because a newer provider would refuse it.
      cp "$folder/$root.lock.hcl" "infra/$root/.terraform.lock.hcl"
      .venv/bin/ops terraform "$environment" "$root" apply -input=false saved.tfplan
      rm -f "infra/$root/saved.tfplan"
      ;;
    waits) echo "::notice title=$environment, $root::is planned again now that the platform has changed: re-run the plan of main" ;;
    *)
      echo "::error::$environment, $root: the plan is '$status'"
      exit 1
      ;;
  esac
done
