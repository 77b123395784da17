#!/usr/bin/env bash
# Build pycuda and install it where the tests run: build_pycuda.sh PYTHON VERSION
# Needs a C++ compiler, but no CUDA toolkit, no driver and no GPU: headers and libcudart come from
# NVIDIA's packages for pip, and at run time the tests bring a driver of their own.
set -euo pipefail
python=$(realpath --no-symlinks "$1")
version=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m pip install --quiet 'nvidia-cuda-runtime>=13' 'nvidia-cuda-profiler-api>=13'
cuda=$("$python" -c 'import nvidia.cu13 as package; print(*package.__path__)')
mkdir -p "$work/cuda/lib64"
ln -s "$cuda/include" "$work/cuda/include"
ln -s "$cuda"/lib/libcudart.so.* "$work/cuda/lib64/libcudart.so"
# The linker only has to find some library of the driver's name.
echo 'void of_no_use(void) {}' |
    cc -shared -fPIC -Wl,-soname,libcuda.so.1 -x c - -o "$work/cuda/lib64/libcuda.so"

"$python" -m venv "$work/venv"
build=$work/venv/bin/python
"$build" -m pip install --quiet 'setuptools<81' wheel 'numpy>=2'
"$build" -m pip download --quiet --no-deps --no-binary pycuda --no-build-isolation -d "$work" "pycuda==$version"
tar -xzf "$work"/pycuda-*.tar.gz -C "$work"
cd "$work"/pycuda-*/
"$build" configure.py --cuda-root="$work/cuda" --no-cuda-enable-curand --cudadrv-lib-dir="$work/cuda/lib64"
CFLAGS="-O1 -g0 -w" LDFLAGS="-Wl,--no-as-needed" \
    "$build" -m pip wheel --quiet --no-deps --no-build-isolation -w "$work/wheel" .
"$python" -m pip install --quiet "$work"/wheel/pycuda-*.whl
