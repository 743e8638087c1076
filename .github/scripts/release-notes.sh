#!/usr/bin/env bash
# Prints the changelog's section of a version. Refuses a version that is not ready: not in PEP 440's plain form, not the
# version of pyproject.toml, without a section, or tagged already.
#
# Usage: release-notes.sh VERSION     such as 1.4.0; the tag is v1.4.0
set -euo pipefail

version=$1
fail() {
  echo "::error::$*" >&2
  exit 1
}

[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+((a|b|rc)[0-9]+)?$ ]] || fail "'$version' is not a version such as 1.4.0 or 1.4.0rc1"
grep --quiet --line-regexp "version = \"$version\"" pyproject.toml || fail "pyproject.toml has another version than $version"
! git rev-parse --quiet --verify "refs/tags/v$version" >/dev/null || fail "the tag v$version is there already"
notes=$(awk -v heading="## $version" '$0 == heading {on = 1; next} /^## / {on = 0} on' CHANGELOG.md)
[[ -n ${notes//[[:space:]]/} ]] || fail "CHANGELOG.md has no section '## $version', or it is empty"
grep --quiet --ignore-case "an update touches" <<<"$notes" || fail "the section of $version does not say what an update touches"
echo "$notes"
