#!/usr/bin/env bash
# Builds llama.cpp's server for CPUs into .venv-llama, for the tests of it that are marked `slow`. Can be run again.
#
# The sources, and the script that converts a checkpoint to GGUF, come with the source distribution of
# llama-cpp-python. Needs a C++ compiler; takes about ten minutes of one core.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.3.36
env=.venv-llama
python=${PYTHON:-python3}

if [ -f "$env/.ready-$version" ]; then
    exit 0
fi
command -v c++ > /dev/null || {
    echo "llama_server.sh: a C++ compiler is needed (Debian, Ubuntu: apt-get install g++)" >&2
    exit 2
}
[ -x "$env/bin/python" ] || "$python" -m venv "$env"
"$env/bin/python" -m pip install --quiet --disable-pip-version-check cmake ninja
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$env/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary llama-cpp-python \
    --dest "$work" "llama-cpp-python==$version"
tar -xzf "$work"/llama_cpp_python-*.tar.gz -C "$work" --strip-components 1
source=$work/vendor/llama.cpp
export PATH="$PWD/$env/bin:$PATH"

# -O1: what the tests run is tiny, and most of the time goes into compiling.
cmake -S "$source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" \
    -DBUILD_SHARED_LIBS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF \
    -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_OPENSSL=OFF -DGGML_OPENMP=OFF -DGGML_LLAMAFILE=OFF \
    -DGGML_CCACHE=OFF > "$work/cmake.log" || { cat "$work/cmake.log" >&2; exit 1; }
nice -n 19 ninja -C "$work/build" -j "${JOBS:-1}" llama-server > "$work/ninja.log" || {
    tail -n 40 "$work/ninja.log" >&2
    exit 1
}
install "$work/build/bin/llama-server" "$env/bin/llama-server"
mkdir -p "$env/share/llama.cpp"
cp -r "$source/convert_hf_to_gguf.py" "$source/conversion" "$source/gguf-py" "$env/share/llama.cpp/"
touch "$env/.ready-$version"
