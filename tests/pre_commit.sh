#!/bin/sh
# Runs the hooks of .pre-commit-hooks.yaml with the real pre-commit in a scratch repository: a good workspace must pass,
# a bad one must be refused, and a commit without YAML must not run the hook.
#
# usage: sh tests/pre_commit.sh MCPCTL_BINARY
set -eu

if [ $# -ne 1 ] || [ ! -x "$1" ]; then
    echo "usage: sh tests/pre_commit.sh MCPCTL_BINARY" >&2
    exit 2
fi
checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
binary=$(CDPATH='' cd -- "$(dirname -- "$1")" && pwd)/$(basename -- "$1")

version=4.7.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mcpctl
venv=$cache/pre-commit-$version
if [ ! -x "$venv/bin/pre-commit" ]; then
    mkdir -p "$cache"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "pre-commit==$version"
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/mcpctl-pre-commit.XXXXXX")
trap 'rm -rf "$scratch"' EXIT INT TERM HUP
export PRE_COMMIT_HOME="$scratch/home"
# Nobody's own git settings (signing, hooks, templates) have a say.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@example.com
export GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@example.com
unset GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE
mkdir "$scratch/bin"
ln -s "$binary" "$scratch/bin/mcpctl"
PATH=$scratch/bin:$PATH
export PATH

fail() {
    echo "pre-commit: $1" >&2
    [ ! -f "$scratch/log" ] || cat "$scratch/log" >&2
    exit 1
}

# pre-commit takes hooks from a git repository at a revision. This one holds the checkout's file as it is now, committed
# or not.
git init --quiet "$scratch/hooks"
cp "$checkout/.pre-commit-hooks.yaml" "$scratch/hooks/"
git -C "$scratch/hooks" add .
git -C "$scratch/hooks" commit --quiet -m hooks
revision=$(git -C "$scratch/hooks" rev-parse HEAD)
"$venv/bin/pre-commit" validate-manifest "$scratch/hooks/.pre-commit-hooks.yaml" || fail "the manifest is not valid"

mkdir "$scratch/work"
cd "$scratch/work"
git init --quiet .
mcpctl init . --quiet
cat > .pre-commit-config.yaml <<CONFIG
repos:
  - repo: $scratch/hooks
    rev: $revision
    hooks:
      - id: mcpctl-validate-system
CONFIG
git add .
"$venv/bin/pre-commit" install > /dev/null

git commit -m good > "$scratch/log" 2>&1 || fail "a good workspace was refused"
grep -q 'mcpctl validate\.*Passed' "$scratch/log" || fail "the hook did not run on a good workspace"

echo 'no_such_family: {}' > bad.yaml
git add .
if git commit -m bad > "$scratch/log" 2>&1; then
    fail "a bad workspace was accepted"
fi
grep -q 'error\[unknown-family\]' "$scratch/log" || fail "the refusal does not show the finding"
git rm --quiet --cached bad.yaml
rm bad.yaml

echo text > notes.txt
git add .
git commit -m text > "$scratch/log" 2>&1 || fail "a commit without YAML was refused"
grep -q 'Skipped' "$scratch/log" || fail "the hook ran for a commit without YAML"

echo "pre-commit: the hooks run, pass and refuse"
