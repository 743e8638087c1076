#!/usr/bin/env bash
# Fails if a shipped package has a copyleft licence that covers software built on it. Lists all licences.
set -euo pipefail

environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
UV_PROJECT_ENVIRONMENT=$environment uv sync --quiet --locked --no-dev --no-install-project
uvx pip-licenses==5.5.5 --python "$environment/bin/python" --from=mixed --order=license \
  --partial-match --fail-on="AGPL;GPL-2.0;GPL-3.0;GNU General Public;GNU Affero"
