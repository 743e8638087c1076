#!/usr/bin/env bash
# Fails if a migration locks a table for long or breaks the release that still runs during the rollout, for example by a new
# NOT NULL column, a changed type, a dropped or renamed column, or an index or constraint that blocks writes.
#
# A line `-- squawk-ignore RULE` above a statement (op.execute) accepts it, once no running release needs the old form.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uv run --locked python .github/scripts/migrations_sql.py "$folder"
# Excluded: rules of style, and rules about the transaction and the lock timeout, which the migration runner sets.
uvx --from squawk-cli==2.70.0 squawk --pg-version 17 --assume-in-transaction \
  --exclude prefer-robust-stmts,prefer-text-field,prefer-bigint-over-int,prefer-bigint-over-smallint,prefer-identity,prefer-timestamp-tz,require-timeout-settings \
  "$folder"/*.sql
