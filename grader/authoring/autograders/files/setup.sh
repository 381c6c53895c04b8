#!/bin/bash
# Gradescope runs this once, as root, when it builds the image.
set -euo pipefail
cd /
root="${AUTOGRADER_ROOT:-/autograder}"
source="$root/source"
if [ -f "$source/pip.conf" ]; then
    export PIP_CONFIG_FILE="$source/pip.conf"
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv
if ! python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "setup.sh: the grader needs Python 3.11 or newer: choose a newer base image" >&2
    exit 1
fi
python3 -I -m venv "$root/venv"
"$root/venv/bin/python" -I -m pip install --quiet --no-cache-dir \
    --constraint "$source/constraints.txt" "$source"/*.whl
chmod -R go= "$source" # it contains the seed
