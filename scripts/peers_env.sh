#!/usr/bin/env bash
# Makes .venv-peers, an environment of its own with the frameworks that bench/agent_frameworks.py is held against: their
# dependencies are none of ossia's. Can be run again.
set -euo pipefail
cd "$(dirname "$0")/.."

agents=0.24.0
smolagents=1.26.0
env=.venv-peers
python=${PYTHON:-python3}

if [ -f "$env/.ready-$agents-$smolagents" ]; then
    exit 0
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "peers_env.sh: Python 3.11 or newer is needed, $python is older" >&2
    exit 2
}
[ -x "$env/bin/python" ] || "$python" -m venv "$env"
"$env/bin/python" -m pip install --quiet --disable-pip-version-check "openai-agents==$agents" "smolagents[openai]==$smolagents"
touch "$env/.ready-$agents-$smolagents"
