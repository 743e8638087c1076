#!/usr/bin/env bash
# Validates every root of infra/ without its state. A root is a folder directly in infra/ with a versions.tf.
set -euo pipefail

for versions in infra/*/versions.tf; do
  root=$(dirname "$versions")
  echo "$root"
  terraform -chdir="$root" init -backend=false -input=false >/dev/null
  terraform -chdir="$root" validate
done
