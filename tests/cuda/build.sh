# Sourced by suites that need a program built with CUDA. build_with_cuda ROOT TARGET… builds them in $CUDA_BUILD (build/cuda by
# default), which it sets; returns 77, with the reason as its last line, where that cannot be.
build_with_cuda() {
  local root=$1
  shift
  if [ "${SANITIZED:-0}" = 1 ]; then
    echo "skipped: kernels for GPUs are the same under sanitizers"
    return 77
  fi
  if ! command -v nvcc >/dev/null && ! [ -x /usr/local/cuda/bin/nvcc ]; then
    echo "skipped: no nvcc on this machine, neither on PATH nor in /usr/local/cuda/bin"
    return 77
  fi
  . "$root/.ci/packages.sh"
  use_compiler_cache "$root"
  export CUDA_BUILD=${CUDA_BUILD:-$root/build/cuda}
  (cd "$root" && cmake --preset cuda -B "$CUDA_BUILD" && cmake --build "$CUDA_BUILD" --target "$@") || return 1
}
