#!/usr/bin/env bash
# Build the wheel, install it alone in an empty environment, run the README's
# quickstart there with the sources out of sight.
# usage: tests/wheel/run.sh PYTHON CONSTRAINTS
set -euo pipefail

python=$1
constraints=$(realpath "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$python" -m pip wheel --quiet --no-deps --wheel-dir "$scratch/dist" "$root"
"$python" -m venv "$scratch/venv"
wheel=$(echo "$scratch"/dist/skexpand-*.whl)
"$scratch/venv/bin/python" -m pip install --quiet -c "$constraints" "$wheel"

cp "$root/README.md" "$root/tests/wheel/readme.py" "$root/tests/wheel/installed.py" \
  "$scratch"
cd "$scratch"
export OMP_NUM_THREADS=1
unset PYTHONPATH
venv/bin/python installed.py "$root"
venv/bin/skexpand --version
venv/bin/python -W error::DeprecationWarning readme.py README.md
echo "wheel test passed: $(basename "$wheel")"
