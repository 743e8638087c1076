#!/usr/bin/env bash
# Refuses migrations that lock a table for long or break the release that still runs beside them: a column that must not be
# null, a changed type, a dropped or renamed one, an index or a constraint that blocks writers.
#
# A line `-- squawk-ignore RULE` above a statement (op.execute) accepts it, once no running release needs the old form.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uv run --locked python .github/scripts/migrations_sql.py "$folder"
# Left out: matters of taste, and what the runner sees to itself (one transaction, a lock time-out).
uvx --from squawk-cli==2.70.0 squawk --pg-version 17 --assume-in-transaction \
  --exclude prefer-robust-stmts,prefer-text-field,prefer-bigint-over-int,prefer-bigint-over-smallint,prefer-identity,prefer-timestamp-tz,require-timeout-settings \
  "$folder"/*.sql
