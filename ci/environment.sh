#!/usr/bin/env bash
# The one place that decides which Python runs and what is installed for it. The scripts beside this
# one source it and then use "$PYTHON"; run by itself it prepares the environment and prints that path.
#
#   XAD_PYTHON   use this interpreter as it is and install nothing
#   XAD_VENV     where the virtual environment lives; default: .venv in the repository
#   XAD_BACKEND  the library to have beside NumPy: torch, cupy, jax, dask; default: none
#
# A finished environment carries a stamp. The same stamp again: nothing to do. Another one
# (pyproject.toml changed, another checkout, another Python): the environment is made afresh.
set -euo pipefail

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

say() { printf '== %s\n' "$*" >&2; }

absolute() { case "$1" in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac; }

has_module() {
    "$PYTHON" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)' "$1"
}

install() { "$PYTHON" -m pip install --quiet --disable-pip-version-check "$@"; }

# The interpreter behind the first Python >= 3.11 on the path, also when a virtual environment is active.
base_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        "$name" -c 'import sys
if sys.version_info < (3, 11): sys.exit(1)
print(sys._base_executable)' 2>/dev/null && return
    done
    die "no Python >= 3.11 on the path; install one, or name it in XAD_PYTHON"
}

make_venv() {
    if [ -n "$(ls -A "$VENV" 2>/dev/null)" ] && [ ! -e "$VENV/pyvenv.cfg" ]; then
        die "$VENV exists and is no virtual environment; name another place in XAD_VENV"
    fi
    if "$1" -c 'import ensurepip' 2>/dev/null; then
        "$1" -m venv --clear "$VENV"
    else # Debian's Python has pip but not ensurepip
        "$1" -m venv --clear --without-pip "$VENV"
        "$1" -m pip --python "$VENV/bin/python" install --quiet pip
    fi
}

cuda_major() {
    nvidia-smi 2>/dev/null | sed -n 's/.*CUDA[A-Za-z ]*Version: *\([0-9][0-9]*\).*/\1/p' | head -n 1
}

# What the backend needs beside the `dev` extra. A library that is there already stays as it is.
install_backend() {
    case "$1" in
        numpy | array_api_strict | auto) return ;;
        torch | jax | dask | cupy) if has_module "$1"; then return; fi ;;
    esac
    say "installing $1 into $VENV"
    case "$1" in
        torch) install torch==2.13.0 ;; # a range would let pip choose a build with gigabytes of CUDA
        cupy) if [ "$(cuda_major)" = 13 ]; then install -e '.[cupy-cuda13x]'; else install -e '.[cupy-cuda12x]'; fi ;;
        *) install -e ".[$1]" ;;
    esac
}

prepare_venv() {
    local base stamp
    base=$(base_python)
    stamp="$ROOT $("$base" -VV | tr '\n' ' ') $(cat pyproject.toml ci/environment.sh | cksum)"
    PYTHON="$VENV/bin/python"
    if [ "$(cat "$VENV/xad-stamp" 2>/dev/null)" != "$stamp" ]; then
        say "making $VENV with $base"
        make_venv "$base"
        install --editable '.[dev]'
        printf '%s\n' "$stamp" >"$VENV/xad-stamp"
    fi
    if [ ! -e "$VENV/xad-stamp-$BACKEND" ]; then
        install_backend "$BACKEND"
        : >"$VENV/xad-stamp-$BACKEND"
    fi
}

case "${XAD_PYTHON:-}" in
    '') PYTHON='' ;;
    */*) PYTHON=$(absolute "$XAD_PYTHON") ;;
    *) PYTHON=$(command -v "$XAD_PYTHON") || die "XAD_PYTHON: no $XAD_PYTHON on the path" ;;
esac
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$(absolute "${XAD_VENV:-$ROOT/.venv}")
export XAD_PYTHON="$PYTHON" XAD_VENV="$VENV" # absolute, for scripts that this one calls
cd "$ROOT"

case "${XAD_DEVICE:-}" in
    cuda*) BACKEND=${XAD_BACKEND:-cupy} ;;
    *) BACKEND=${XAD_BACKEND:-numpy} ;;
esac

case "$BACKEND" in
    numpy | array_api_strict | torch | cupy | jax | dask | auto) ;;
    *) die "XAD_BACKEND: expected numpy, array_api_strict, torch, cupy, jax, dask or auto; got $BACKEND" ;;
esac

if [ -z "$PYTHON" ]; then
    prepare_venv
elif ! "$PYTHON" -c ''; then
    die "XAD_PYTHON: $PYTHON does not run"
fi

export PYTHONPATH="$ROOT${PYTHONPATH:+:$PYTHONPATH}"
export MPLBACKEND="${MPLBACKEND:-Agg}"
if [ "${BASH_SOURCE[0]}" = "$0" ]; then printf '%s\n' "$PYTHON"; fi
