#!/usr/bin/env bash
# Pushes the images of a release to the repositories of one environment, which the service contract names, and prints their
# digests as outputs of the step. Existing images are not pushed again, so a repeated run changes nothing.
#
# Usage: push-images.sh FOLDER ENVIRONMENT RELEASE     FOLDER holds api.tar, worker.tar and migrate.tar (OCI archives)
# If DIGESTS is set (JSON object of the build job), images with other digests are refused. The values of the project come from
# project.env. Needs skopeo, aws and jq, and credentials of the environment's deploy role.
set -euo pipefail

folder=$1 environment=$2 release=$3
# shellcheck source=/dev/null
source project.env

# Without a login session, as on GitHub's runners, the default path of skopeo's credentials belongs to root.
REGISTRY_AUTH_FILE=$(mktemp)
export REGISTRY_AUTH_FILE
trap 'rm -f "$REGISTRY_AUTH_FILE"' EXIT
echo '{}' >"$REGISTRY_AUTH_FILE"

parameter="/service/$SERVICE/$environment/contract"
contract=$(aws ssm get-parameter --region "$AWS_REGION" --name "$parameter" --query Parameter.Value --output text)
region=$(jq --raw-output --exit-status .region <<<"$contract")

for image in api worker migrate; do
  repository=$(jq --raw-output --exit-status ".${image}_repository_url" <<<"$contract")
  # Compute the digest from the raw manifest, because the image may have another architecture than this machine.
  digest="sha256:$(skopeo inspect --raw "oci-archive:$folder/$image.tar" | sha256sum | cut --delimiter=' ' --fields=1)"
  if [[ -n ${DIGESTS:-} && $(jq --raw-output ".$image" <<<"$DIGESTS") != "$digest" ]]; then
    echo "::error::$image has the digest $digest, and the build said $DIGESTS: this is not what was built"
    exit 1
  fi
  aws ecr get-login-password --region "$region" |
    skopeo login --username AWS --password-stdin "${repository%%/*}" >/dev/null
  if skopeo inspect --raw "docker://$repository@$digest" >/dev/null 2>&1; then
    echo "$image: $digest is there already"
  else
    # The lifecycle policy keeps the newest tags of this form. Tags are immutable, and a rebuilt commit has another digest.
    tag="deployed-$release-${digest:7:12}"
    skopeo copy --all --preserve-digests "oci-archive:$folder/$image.tar" "docker://$repository:$tag"
    echo "$image: $digest is pushed"
  fi
  echo "$image=$digest" >>"${GITHUB_OUTPUT:-/dev/stdout}"
done
