# Sourced by quickstart and tests/run. ensure_packages NAME… installs the Debian packages that are missing, asking sudo
# when it has to; says what it does. Debian 12 and 13.
BUILD_PACKAGES=(g++ cmake ninja-build pkg-config ccache
  libssl-dev libcpp-httplib-dev libarchive-dev libseccomp-dev libsystemd-dev nlohmann-json3-dev libcli11-dev
  libtomlplusplus-dev libfmt-dev libpcre2-dev libqrencode-dev libtss2-dev)
TEST_PACKAGES=(git libgtest-dev libgmock-dev libbenchmark-dev python3 python3-venv openssl ca-certificates procps strace)
# A token and a TPM made of software, for tests that say so when they are skipped without.
DEVICE_PACKAGES=(softhsm2 libengine-pkcs11-openssl swtpm)

# Lets every clone and build directory share what was compiled before: paths below ROOT count as relative.
use_compiler_cache() {
  export CCACHE_BASEDIR=$1 CCACHE_NOHASHDIR=1
}

ensure_packages() {
  local missing=() package
  for package in "$@"; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then missing+=("$package"); fi
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "These packages are missing: ${missing[*]}" >&2
      echo "Install them as root: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The same for packages that not every release of Debian has, or that somebody may not want: without them it goes on.
offer_packages() {
  local known=() package
  for package in "$@"; do
    if apt-cache show "$package" >/dev/null 2>&1; then known+=("$package"); fi
  done
  ensure_packages "${known[@]}" || true
}
