#!/usr/bin/env bash
# Validates every root of infra/ without its state. A root is a folder that configures a backend or is applied by hand:
# here, every folder with .tf files that is not a module.
set -euo pipefail

for versions in infra/*/versions.tf; do
  root=$(dirname "$versions")
  echo "$root"
  terraform -chdir="$root" init -backend=false -input=false >/dev/null
  terraform -chdir="$root" validate
done
