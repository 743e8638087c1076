#!/usr/bin/env bash
# Checks all locked packages for known vulnerabilities: those of the images, the development dependencies and the operations command.
set -euo pipefail

list=$(mktemp)
trap 'rm -f "$list"' EXIT
uv export --quiet --locked --all-groups --no-emit-project --no-emit-local --format requirements-txt --output-file "$list" >/dev/null
uvx pip-audit==2.10.1 --requirement "$list" --disable-pip --strict --progress-spinner off
