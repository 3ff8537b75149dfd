#!/bin/sh
# The steps of promote.yml, so that they can be run and tested on any machine: check, render, propose. See docs/gitops.md.
#   promotion.sh check FROM TO [REVISION]   what is promoted is main's, went through FROM, and FROM stands before TO
#   promotion.sh render TO URL              promotion/: clusters/TO, the revision, and the preview as text
#   promotion.sh propose FROM TO            commits clusters/TO to the branch promote-TO and opens or updates its pull request
set -eu

fail() { echo "promotion: $1" >&2; exit 1; }

stage() { # its place in the order
  case "$1" in dev) echo 1 ;; canary) echo 2 ;; prod) echo 3 ;; *) fail "no stage $1: write dev, canary or prod" ;; esac
}

rendered_revision() { # what the directory of a stage was rendered from; nothing where it never was
  cat "clusters/$1/revision.txt" 2>/dev/null || true
}

check() {
  from=$1 to=$2 revision=${3:-}
  before=$(stage "$from") after=$(stage "$to")
  [ "$after" -eq $((before + 1)) ] || fail "$from is not the stage before $to: dev, canary, prod, one after the other"
  [ -f "Pulumi.$to.yaml" ] || fail "there is no Pulumi.$to.yaml: write the stage's stack file first"
  [ -n "$revision" ] || revision=$(git rev-parse HEAD)
  case "$revision" in *[!0-9a-f]* | ?????????????????????????????????????????*) fail "no commit id: $revision" ;; esac
  git merge-base --is-ancestor "$revision" HEAD 2>/dev/null || fail "$revision is no commit of main"
  if [ "$from" != dev ]; then # dev is what main is; a later stage has what was merged into its directory
    there=$(rendered_revision "$from")
    [ -n "$there" ] || fail "clusters/$from was never rendered: promote to $from first"
    git merge-base --is-ancestor "$revision" "$there" 2>/dev/null || fail "$from has $there, which is older than $revision"
  fi
  before_commit=$(rendered_revision "$to")
  mkdir -p promotion
  echo "${before_commit:-}" > promotion/before.txt
  git checkout --quiet --detach "$revision"
}

render() {
  to=$1 url=$2
  revision=$(git rev-parse HEAD) before=$(cat promotion/before.txt)
  .venv/bin/python -m preview.gitops "$to" --out "promotion/clusters/$to" --repository "$url" --path "clusters/$to"
  echo "$revision" > "promotion/clusters/$to/revision.txt"
  set -- --format markdown --out promotion/preview.md
  [ -z "$before" ] || set -- "$@" --against "$before"
  # Findings at or above error end it here: nothing is proposed that the plan or a policy refuses.
  .venv/bin/python -m preview "$to" --offline "$@"
}

propose() {
  from=$1 to=$2 branch="promote-$2"
  revision=$(cat "promotion/clusters/$to/revision.txt")
  mkdir -p clusters
  rm -rf "clusters/$to"
  cp -R "promotion/clusters/$to" "clusters/$to"
  git add --all "clusters/$to"
  if git diff --cached --quiet; then
    echo "$to has $revision already"
    return
  fi
  git -c user.name=promotion -c user.email=promotion@users.noreply.github.com \
    commit --quiet --message "Promote $revision from $from to $to"
  remote=${PROMOTION_REMOTE:-https://x-access-token:$GH_TOKEN@github.com/$REPOSITORY.git}
  git push --quiet --force "$remote" "HEAD:refs/heads/$branch"
  title="Promote $(echo "$revision" | cut -c1-10) from $from to $to"
  if [ -n "$(gh pr list --repo "$REPOSITORY" --head "$branch" --base main --json number --jq '.[].number')" ]; then
    gh pr edit "$branch" --repo "$REPOSITORY" --title "$title" --body-file promotion/preview.md
  else
    gh pr create --repo "$REPOSITORY" --head "$branch" --base main --title "$title" --body-file promotion/preview.md
  fi
}

command=${1:-}
[ $# -gt 0 ] && shift
case "$command" in check | render | propose) "$command" "$@" ;; *) fail "write check, render or propose" ;; esac
