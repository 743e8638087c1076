#!/usr/bin/env bash
# Renders every overlay and validates it against the schemas of the cluster's Kubernetes version. Custom resources have no
# schema there, so they only cause a warning.
set -euo pipefail

rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT
# A removed environment leaves a folder without a kustomization.
for kustomization in deploy/overlays/*/kustomization.yaml deploy/access/kustomization.yaml; do
  overlay=$(dirname "$kustomization")
  kubectl kustomize "$overlay" >"$rendered/$(basename "$overlay").yaml"
done
uvx kubernetes-validate==1.37.0 --kubernetes-version 1.36 --strict "$rendered"/*.yaml
