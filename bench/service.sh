# Sourced by bench/run: a real service on a model file, in a scratch directory, as an operator would have it: keys, a
# signed directory, an import, `redoubt serve`. Wants $redoubt (the binary) and $bench (redoubt-bench).

# service_prepare MODEL DIRECTORY KV_BYTES THREADS
service_prepare() {
  service_home=$2
  mkdir -p "$service_home/bundle"
  chmod 755 "$service_home"  # roles drop to users of their own
  ln "$1" "$service_home/bundle/" 2>/dev/null || cp "$1" "$service_home/bundle/"
  service_port=$(free_port 18443)
  cat >"$service_home/redoubt.toml" <<TOML
[server]
listen = ["127.0.0.1:$service_port"]

[paths]
state = "$service_home/state"
runtime = "$service_home/run"

[model]
trusted_keys = ["$service_home/site.pub.pem"]

[engine]
threads = $4
kv_cache_bytes = $3
TOML
  "$redoubt" keys generate "$service_home/site" >/dev/null
  "$redoubt" bundle sign "$service_home/bundle" --key "$service_home/site.key.pem" --name bench >/dev/null
  "$redoubt" import "$service_home/bundle" --config "$service_home/redoubt.toml" >/dev/null
  export REDOUBT_URL=https://127.0.0.1:$service_port REDOUBT_CA=$service_home/state/tls/certificate.pem REDOUBT_MODEL=bench
  REDOUBT_API_KEY=$("$redoubt" api-keys create bench --config "$service_home/redoubt.toml" 2>/dev/null | grep -o 'rdk_[0-9a-f_]*')
  export REDOUBT_API_KEY
}

# Starts it and sets service_pid and ready_seconds.
service_start() {
  local started
  started=$(date +%s%N)
  "$redoubt" serve --config "$service_home/redoubt.toml" >>"$service_home/log" 2>&1 </dev/null &
  service_pid=$!
  if ! "$bench" wait --path /ready --seconds 60; then
    tail -n 20 "$service_home/log"
    return 1
  fi
  ready_seconds=$(awk -v ns="$(($(date +%s%N) - started))" 'BEGIN { printf "%.3f", ns / 1e9 }')
}

# The process id of the role that holds the weights: of the service's children, the one with most memory.
service_engine_pid() {
  local child pages best=0 engine=0
  for child in $(pgrep -P "$service_pid"); do
    pages=$(awk '{ print $2 }' "/proc/$child/statm" 2>/dev/null || echo 0)
    if [ "$pages" -gt "$best" ]; then best=$pages engine=$child; fi
  done
  echo "$engine"
}

service_stop() {
  [ -n "${service_pid:-}" ] || return 0
  kill -TERM "$service_pid" 2>/dev/null || true
  wait "$service_pid" 2>/dev/null || true
  service_pid=
}

# A port nobody listens on, from $1 up.
free_port() {
  local port
  for port in $(seq "$1" $(($1 + 100))); do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return 0
    fi
  done
  return 1
}
