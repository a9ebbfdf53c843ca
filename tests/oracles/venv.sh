# Sourced by suites: oracle_venv NAME REQUIREMENT… makes (once) a Python environment for an independent judge and sets
# ORACLE_VENV. Fails when the packages cannot be had. Tools of the tests, never of the product.
oracle_venv() {
  local name=$1
  shift
  ORACLE_VENV=${REDOUBT_ORACLES:-${XDG_CACHE_HOME:-$HOME/.cache}/redoubt/oracles}/$name
  if [ "$(cat "$ORACLE_VENV/.requirements" 2>/dev/null)" = "$*" ]; then return 0; fi
  rm -rf "$ORACLE_VENV"
  mkdir -p "$(dirname "$ORACLE_VENV")"
  echo "installing $* into $ORACLE_VENV"
  /usr/bin/python3 -m venv "$ORACLE_VENV" >"$ORACLE_VENV.log" 2>&1 &&
    "$ORACLE_VENV/bin/python" -m pip install -q --disable-pip-version-check "$@" >>"$ORACLE_VENV.log" 2>&1 ||
    { tail -n 5 "$ORACLE_VENV.log"; return 1; }
  echo "$*" >"$ORACLE_VENV/.requirements"
}
