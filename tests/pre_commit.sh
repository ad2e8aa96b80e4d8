#!/bin/sh
# Runs the hooks of .pre-commit-hooks.yaml with the real pre-commit in a scratch repository: a good workspace must pass, a bad
# one must be refused, and so must a commit that deletes what another file needs, that breaks a file ending in .YAML, a key
# set, or hand-written Cedar, for a workspace at the root and for one in a folder.
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

# With `args: [FOLDER]` the hook checks a folder. What stands beside it is not read.
git rm --quiet -r --cached . && git add .pre-commit-config.yaml
find . -mindepth 1 -maxdepth 1 ! -name .git ! -name .pre-commit-config.yaml -exec rm -r {} +
sed 's/- id: mcpctl-validate-system/&\n        args: [fleet]/' .pre-commit-config.yaml > config
mv config .pre-commit-config.yaml
grep -q 'args: \[fleet\]' .pre-commit-config.yaml || fail "the configuration has no args"
mkdir -p fleet
cat > fleet/agents.YAML <<'AGENTS'
mcp_registry:
  servers:
    - {name: ledger, url: "https://ledger.example.com/mcp", tools: [{name: read_balance}]}
  agents:
    - {name: teller, subject: teller, may_call: [ledger/read_balance]}
AGENTS
cat > fleet/tests.yml <<'TESTS'
policy_tests:
  - {name: the teller is denied without facts, principal: teller, call: ledger/read_balance, with: [], expect: deny}
TESTS
cat > fleet/access.yaml <<'ACCESS'
data_routing:
  classifications:
    - {level: internal, mcp_servers: [ledger]}
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
identity:
  issuer: https://idp.example.com
  audiences: [gateway]
  jwks_file: keys.json
ACCESS
cat > fleet/keys.json <<'KEYS'
{"keys": [{"kty": "EC", "crv": "P-256", "kid": "one",
  "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}
KEYS
git add -A
git commit -m fleet > "$scratch/log" 2>&1 || fail "a good workspace in a folder was refused"
grep -q 'mcpctl validate\.*Passed' "$scratch/log" || fail "the hook did not run on a workspace in a folder"

# refused WHAT CHECK: a commit of what has changed must be refused for CHECK.
refused() {
    git add -A
    if git commit -m "$1" > "$scratch/log" 2>&1; then
        fail "$1: it was accepted"
    fi
    grep -q "error\[$2\]" "$scratch/log" || fail "$1: the refusal does not show $2"
    git reset --quiet --hard
}

git rm --quiet fleet/agents.YAML
refused "a deleted file that another one needs" unknown-principal
git rm --quiet fleet/keys.json
refused "a deleted key set" unreadable-key-set
echo '{"keys": []}' > fleet/keys.json
refused "a key set without keys" unreadable-key-set
sed 's/ledger.read_balance/ledger\/read_balanec/' fleet/agents.YAML > changed
mv changed fleet/agents.YAML
refused "a file ending in .YAML" unknown-tool
echo 'forbid(principal' > fleet/freeze.cedar
refused "hand-written Cedar" cedar-syntax

echo "no_such_family: {}" > beside.yaml
echo text > notes.txt
git add -A
git commit -m beside > "$scratch/log" 2>&1 || fail "a file beside the folder was read"

echo "pre-commit: the hooks run, pass and refuse"
