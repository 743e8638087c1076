#!/usr/bin/env bash
# Runs Terraform in one root with the backend and the answers that belong to it.
#
#   infra/terraform.sh bootstrap COMMAND [ARGUMENT...]              once an account
#   infra/terraform.sh ENVIRONMENT ROOT COMMAND [ARGUMENT...]       such as: dev service plan
#
# The state's bucket is <service>-tfstate-<account>-<region>, with the account of the AWS credentials in use. The first
# `bootstrap apply` makes that bucket on a local state, then moves the state into it.

set -euo pipefail

infra=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
  echo "terraform.sh: $*" >&2
  exit 2
}

usage() {
  sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

# The value of a key in project.env.
fact() {
  local line
  line=$(grep -m1 "^$1=" "$infra/../project.env") || fail "project.env has no $1"
  echo "${line#*=}"
}

if [[ ${1:-} == bootstrap ]]; then
  [[ $# -ge 2 ]] || usage
  root=bootstrap name=bootstrap workspace=bootstrap
  shift
else
  [[ $# -ge 3 ]] || usage
  root=$2 name=$1.$2 workspace=$1
  shift 2
fi
command=$1
shift

[[ -d $infra/$root ]] || fail "there is no root $root in infra/"
backend=$infra/environments/$name.s3.tfbackend
[[ -f $backend ]] || fail "there is no ${backend#"$infra/"}: is the environment spelled right?"

region=$(fact AWS_REGION)
account=$(aws sts get-caller-identity --region "$region" --query Account --output text) || fail "AWS does not know who you are: log in first"
bucket=$(fact SERVICE)-tfstate-$account-$region

# Each environment keeps its own working data, so that one never runs on another's backend.
export TF_DATA_DIR=.terraform/$workspace
export TF_IN_AUTOMATION=1

var_files=()
for file in "$infra/environments/$name".tfvars "$infra/environments/$name".*.tfvars; do
  [[ -f $file ]] && var_files+=("-var-file=$file")
done
[[ $root == bootstrap ]] && var_files+=("-var-file=$infra/environments/github.tfvars")

run() {
  local command=$1
  shift
  case $command in
    plan | destroy | refresh | import | console) terraform -chdir="$infra/$root" "$command" "${var_files[@]}" "$@" ;;
    apply)
      # A saved plan holds its answers already.
      local last=
      [[ $# -eq 0 ]] || last=${*: -1}
      if [[ -n $last && -f $infra/$root/$last ]]; then
        terraform -chdir="$infra/$root" apply "$@"
      else
        terraform -chdir="$infra/$root" apply "${var_files[@]}" "$@"
      fi
      ;;
    *) terraform -chdir="$infra/$root" "$command" "$@" ;;
  esac
}

initialise() {
  terraform -chdir="$infra/$root" init -input=false -reconfigure -backend-config="$backend" -backend-config="bucket=$bucket" "$@" >&2
}

bucket_exists() {
  aws s3api head-bucket --bucket "$bucket" --region "$region" >/dev/null 2>&1
}

# On the very first run there is no bucket to keep the state in; a run that broke off left its local state behind.
if [[ $root == bootstrap ]] && { [[ -f $infra/bootstrap/terraform.tfstate ]] || ! bucket_exists; }; then
  local_backend=$infra/bootstrap/first_run_override.tf
  trap 'rm -f "$local_backend"' EXIT
  printf 'terraform {\n  backend "local" {}\n}\n' >"$local_backend"
  terraform -chdir="$infra/bootstrap" init -input=false -reconfigure >&2
  run "$command" "$@"
  [[ $command == apply ]] || exit 0
  rm -f "$local_backend"
  bucket_exists || fail "apply made no bucket $bucket"
  terraform -chdir="$infra/bootstrap" init -input=false -migrate-state -force-copy -backend-config="$backend" -backend-config="bucket=$bucket" >&2
  rm -f "$infra/bootstrap/terraform.tfstate" "$infra/bootstrap/terraform.tfstate.backup"
  exit 0
fi

if [[ $command == init ]]; then
  initialise "$@"
else
  initialise
  run "$command" "$@"
fi
