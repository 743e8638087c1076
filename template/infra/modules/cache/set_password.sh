#!/usr/bin/env bash
# Gives the user of the cache the current and the previous password of its secret: pods that have not
# restarted can still log in. Reads REGION, SECRET and CACHE_USER.

set -euo pipefail

# The password of one version of the secret (AWSCURRENT, AWSPREVIOUS), as a JSON string.
password() {
  aws secretsmanager get-secret-value --region "$REGION" --secret-id "$SECRET" --version-stage "$1" --query SecretString --output text |
    sed -nE 's/.*"password": ?("[A-Za-z0-9]{16,128}").*/\1/p'
}

state() {
  aws elasticache describe-users --region "$REGION" --user-id "$CACHE_USER" --query 'Users[0].Status' --output text
}

current=$(password AWSCURRENT)
[[ -n $current ]] || { echo "set_password.sh: the secret $SECRET holds no password of letters and digits" >&2; exit 1; }
previous=$(password AWSPREVIOUS 2>/dev/null) || previous=

# Through a file of its owner's own, so that no list of processes shows it.
request=$(mktemp)
trap 'rm -f "$request"' EXIT
printf '{"UserId": "%s", "AuthenticationMode": {"Type": "password", "Passwords": [%s]}}' "$CACHE_USER" "$current${previous:+, $previous}" >"$request"
aws elasticache modify-user --region "$REGION" --cli-input-json "file://$request" --output text >/dev/null

# A user that is being changed can join no group yet: wait up to five minutes.
for _ in {1..60}; do
  [[ $(state) != active ]] || exit 0
  sleep 5
done
echo "set_password.sh: the user $CACHE_USER is still $(state)" >&2
exit 1
