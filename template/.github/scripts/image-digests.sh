#!/usr/bin/env bash
# Prints the digests of built images as the output `digests` of the step: a JSON object of name and digest.
#
# Usage: image-digests.sh FOLDER     FOLDER holds api.tar, worker.tar and migrate.tar (OCI archives); needs skopeo and jq
set -euo pipefail

folder=$1
digests='{}'
for image in api worker migrate; do
  # Compute the digest from the raw manifest, because the image may have another architecture than this machine.
  digest="sha256:$(skopeo inspect --raw "oci-archive:$folder/$image.tar" | sha256sum | cut --delimiter=' ' --fields=1)"
  digests=$(jq --compact-output --arg image "$image" --arg digest "$digest" '.[$image] = $digest' <<<"$digests")
done
echo "digests=$digests" >>"${GITHUB_OUTPUT:-/dev/stdout}"
