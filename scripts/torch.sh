#!/usr/bin/env bash
# Installs PyTorch into the environment of the given python: the CPU build where there is no GPU, since the plain one
# brings gigabytes of CUDA.
#   scripts/torch.sh .venv/bin/python
set -euo pipefail
python=$1
version=2.13.0
cpu_index=https://download.pytorch.org/whl/cpu

"$python" -c 'import torch' 2>/dev/null && exit 0
if nvidia-smi >/dev/null 2>&1; then
    exec "$python" -m pip install -q "torch==$version"
fi
reachable='import urllib.request, sys; urllib.request.urlopen(sys.argv[1] + "/torch/", timeout=5)'
if "$python" -c "$reachable" "$cpu_index" 2>/dev/null; then
    exec "$python" -m pip install -q --index-url "$cpu_index" --extra-index-url https://pypi.org/simple "torch==$version"
fi
# The index of CPU builds can't be reached: what pip is configured with has to serve.
exec "$python" -m pip install -q "torch==$version"
