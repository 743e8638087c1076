#!/usr/bin/env bash
# Gives the master of the database the password that its secret holds. Reads REGION, SECRET and DATABASE.

set -euo pipefail

password=$(
  aws secretsmanager get-secret-value --region "$REGION" --secret-id "$SECRET" --query SecretString --output text |
    sed -nE 's/.*"password": ?("[A-Za-z0-9]{16,128}").*/\1/p'
)
[[ -n $password ]] || { echo "set_password.sh: the secret $SECRET holds no password of letters and digits" >&2; exit 1; }

# Through a file of its owner's own, so that no list of processes shows it.
request=$(mktemp)
trap 'rm -f "$request"' EXIT
# A password changes at once in any case. ApplyImmediately would apply every other change that waits for the maintenance window, too.
printf '{"DBInstanceIdentifier": "%s", "MasterUserPassword": %s}' "$DATABASE" "$password" >"$request"
aws rds modify-db-instance --region "$REGION" --cli-input-json "file://$request" --output text >/dev/null

state() {
  aws rds describe-db-instances --region "$REGION" --db-instance-identifier "$DATABASE" --output text \
    --query 'DBInstances[0].[DBInstanceStatus, PendingModifiedValues.MasterUserPassword]'
}

# No replica can be made of an instance that is being changed: wait up to five minutes.
for _ in {1..60}; do
  [[ $(state) != available*None ]] || exit 0
  sleep 5
done
echo "set_password.sh: the database $DATABASE is still $(state)" >&2
exit 1
