#!/usr/bin/env bash
# Pushes an update of the template as a branch and opens a pull request, unless the version has a branch already.
#
# Usage: propose-update.sh FOLDER VERSION     FOLDER is what update-template.sh wrote; needs git, gh and GH_TOKEN
set -euo pipefail

folder=$1 version=$2
branch=template-update/$version
remote=${REMOTE:-$GITHUB_SERVER_URL/$GITHUB_REPOSITORY}
if [[ -z ${GH_TOKEN:-} ]]; then
  echo "::notice title=No pull request::Release $version of the template is there. For a pull request, store a token that may write contents, workflows and pull requests as the secret TEMPLATE_UPDATE_TOKEN of the GitHub environment template-update. The artifact of this run holds the update."
  exit 0
fi
# Use only gh as credential helper; it reads the token from GH_TOKEN.
authenticated=(git -c credential.helper= -c "credential.helper=!gh auth git-credential")
if "${authenticated[@]}" ls-remote --exit-code --heads "$remote" "$branch" >/dev/null; then
  echo "::notice::$branch is there already"
  exit 0
fi
git fetch --quiet "$folder/update.bundle" HEAD
if git grep --name-only --extended-regexp '^(<<<<<<< before updating|>>>>>>> after updating)' FETCH_HEAD; then
  echo "::error::the update holds conflict markers"
  exit 1
fi
"${authenticated[@]}" push --quiet "$remote" "FETCH_HEAD:refs/heads/$branch"
gh pr create --repo "$GITHUB_REPOSITORY" --base main --head "$branch" --title "Update from the template: $version" --body-file "$folder/report.md"
