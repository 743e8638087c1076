#!/usr/bin/env bash
# A new project has no uv.lock. Fail early with a clear message, instead of later with an obscure one.
set -euo pipefail

if [[ ! -f uv.lock ]]; then
  echo "::error title=uv.lock is missing::Run 'uv lock', commit uv.lock and push again: what is tested is what it locks."
  exit 1
fi
