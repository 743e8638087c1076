#!/usr/bin/env bash
# A new project has no uv.lock until somebody makes it: say so, rather than fail later for a reason that is hard to read.
set -euo pipefail

if [[ ! -f uv.lock ]]; then
  echo "::error title=uv.lock is missing::Run 'uv lock', commit uv.lock and push again: what is tested is what it locks."
  exit 1
fi
