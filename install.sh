#!/bin/sh
# Builds mcpctl from this checkout and installs it, with its man pages and shell completions, into a prefix.
set -eu

usage() {
    cat <<'USAGE'
Builds mcpctl from this checkout and installs it.

Usage: install.sh [--prefix DIR] [--uninstall]

Options:
  --prefix DIR   install below DIR (default: $HOME/.local)
  --uninstall    remove what an earlier run installed below the prefix
  --help         show this text

Installed below the prefix: bin/mcpctl, share/man/man1/mcpctl*.1, completions for bash, zsh and fish, and
share/mcpctl/installed, the list of it all. Running it again replaces the earlier installation.
CARGO_TARGET_DIR is honoured.
USAGE
}

fail() {
    printf 'install.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

prefix=
uninstall=no
while [ $# -gt 0 ]; do
    case $1 in
        --prefix)
            [ $# -ge 2 ] || fail '--prefix needs a folder' 2
            prefix=$2
            shift
            ;;
        --prefix=*) prefix=${1#--prefix=} ;;
        --uninstall) uninstall=yes ;;
        --help | -h)
            usage
            exit 0
            ;;
        *) fail "unknown argument \`$1\`; see install.sh --help" 2 ;;
    esac
    shift
done
if [ -z "$prefix" ]; then
    [ -n "${HOME:-}" ] || fail 'neither --prefix nor HOME is set' 2
    prefix=$HOME/.local
fi
case $prefix in
    /*) ;;
    *) prefix=$(pwd)/$prefix ;;
esac
root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
record=share/mcpctl/installed

# The record holds one line for each thing made, relative to the prefix, a folder always before what is in it:
# `folder share/man` or `file bin/mcpctl`. Whoever edits it must not lead us out of the prefix.
recorded() {
    [ -f "$prefix/$record" ] || return 0
    while read -r kind path; do
        case $path in
            /* | .. | ../* | */.. | */../*) fail "$prefix/$record names a place outside the prefix: $path" ;;
        esac
        [ "$kind" != "$1" ] || printf '%s\n' "$path"
    done <"$prefix/$record"
}

remove_files() {
    recorded file >"$work/old-files"
    while read -r path; do
        rm -f -- "$prefix/$path"
    done <"$work/old-files"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/mcpctl-install.XXXXXX") || fail 'no scratch folder could be made'
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ "$uninstall" = yes ]; then
    [ -f "$prefix/$record" ] || fail "nothing is installed below $prefix ($record is not there)"
    recorded folder >"$work/folders"
    sort -r "$work/folders" >"$work/old-folders"
    remove_files
    rm -f -- "$prefix/$record"
    while read -r path; do
        # Only what is empty goes: others may have put something there since.
        place=$prefix/$path
        [ "$path" != . ] || place=$prefix
        rmdir -- "$place" 2>/dev/null || :
    done <"$work/old-folders"
    printf 'mcpctl is gone from %s\n' "$prefix"
    exit 0
fi

command -v cargo >/dev/null 2>&1 || fail 'cargo was not found; install Rust 1.90 or newer and run this again'
nearest=$prefix
while [ ! -e "$nearest" ]; do nearest=$(dirname -- "$nearest"); done
[ -d "$nearest" ] || fail "$nearest is in the way: it is no folder"
[ -w "$nearest" ] || fail "$nearest is not writable; choose another place with --prefix"

# What `mcpctl --version` says beside the version, where it is known.
if [ -z "${MCPCTL_REVISION:-}" ] && [ -e "$root/.git" ] && command -v git >/dev/null 2>&1; then
    MCPCTL_REVISION=$(git -C "$root" describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null) || MCPCTL_REVISION=
fi
export MCPCTL_REVISION="${MCPCTL_REVISION:-}"
# `cargo install` builds in the checkout's own target folder and says where the binary ends up, whatever target folder
# or target triple is configured.
PATH="$work/built/bin:$PATH" cargo install --path "$root" --root "$work/built" --locked --no-track --bin mcpctl ||
    fail 'the build failed'
built=$work/built/bin/mcpctl
mkdir -p "$work/stage/bin" "$work/stage/share/man/man1" "$work/stage/share/bash-completion/completions" \
    "$work/stage/share/zsh/site-functions" "$work/stage/share/fish/vendor_completions.d"
cp "$built" "$work/stage/bin/mcpctl"
"$built" man --out "$work/stage/share/man/man1" >/dev/null
"$built" completions bash >"$work/stage/share/bash-completion/completions/mcpctl"
"$built" completions zsh >"$work/stage/share/zsh/site-functions/_mcpctl"
"$built" completions fish >"$work/stage/share/fish/vendor_completions.d/mcpctl.fish"

# What an earlier run made and this one does not is removed; folders that an earlier run made stay on the list.
recorded folder >"$work/old-folders"
remove_files
(
    cd "$work/stage"
    find . -type d ! -name . | sed 's|^\./||' | sort
    printf '%s\n' share/mcpctl
) >"$work/folders"
if [ ! -d "$prefix" ]; then
    mkdir -p "$prefix" || fail "$prefix cannot be made"
    printf '.\n' >>"$work/old-folders"
fi
while read -r path; do
    if [ ! -d "$prefix/$path" ]; then
        mkdir "$prefix/$path" || fail "$prefix/$path cannot be made"
        printf '%s\n' "$path" >>"$work/old-folders"
    fi
done <"$work/folders"
{
    sort -u "$work/old-folders" | sed 's/^/folder /'
    (cd "$work/stage" && find . -type f | sed 's|^\./||' | sort | sed 's/^/file /')
} >"$work/record"
# The record first, so that an installation that is cut short can still be uninstalled.
cp "$work/record" "$prefix/$record" || fail "$prefix/$record cannot be written"
(cd "$work/stage" && find . -type f | sed 's|^\./||') >"$work/files"
while read -r path; do
    # A new name moved over the old one: a running mcpctl keeps its own file.
    mode=644
    [ "$path" != bin/mcpctl ] || mode=755
    if ! { cp "$work/stage/$path" "$prefix/$path.new" && chmod "$mode" "$prefix/$path.new" &&
        mv -f "$prefix/$path.new" "$prefix/$path"; }; then
        fail "$prefix/$path cannot be written"
    fi
done <"$work/files"

printf 'installed %s\n' "$prefix/bin/mcpctl"
case :$PATH: in
    *:"$prefix/bin":*) ;;
    *) printf 'note: %s is not on your PATH\n' "$prefix/bin" ;;
esac
