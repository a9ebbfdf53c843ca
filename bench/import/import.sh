# Sourced by bench/run: what an import costs beside sha256sum and cp of the same file, and what verification adds to a
# cold start. Wants $redoubt, $bench (redoubt-bench), $quick, $threads, $out, say, model_file and bench/service.sh.

# ---- a site ---------------------------------------------------------------------------------------------------------

# site_prepare DIRECTORY [TOML]: a release key, a trust root that knows it, an appliance that has pinned that.
site_prepare() {
  site_home=$1
  mkdir -p "$site_home"
  chmod 755 "$site_home"  # roles drop to users of their own
  printf '[paths]\nstate = "%s/state"\nruntime = "%s/run"\n%s\n' "$site_home" "$site_home" "${2:-}" >"$site_home/redoubt.toml"
  "$redoubt" keys generate "$site_home/officer" >/dev/null
  "$redoubt" trust create --site bench --root "1:$site_home/officer.pub.pem" --release "1:$site_home/officer.pub.pem" \
    --signature-optional -o "$site_home/1.root.dsse" >/dev/null
  "$redoubt" trust sign "$site_home/1.root.dsse" --key "$site_home/officer.key.pem" >/dev/null
  "$redoubt" trust init "$site_home/1.root.dsse" --config "$site_home/redoubt.toml" >/dev/null
}

# site_bundle MODEL-FILE BUNDLE: makes and signs a release of that one file.
site_bundle() {
  "$redoubt" bundle create "$1" --name bench --sequence 1 --license Apache-2.0 -o "$2" >/dev/null
  "$redoubt" bundle sign "$2" --key "$site_home/officer.key.pem" >/dev/null
}

# Out of the page cache, so that whoever reads next reads the disk: posix_fadvise(POSIX_FADV_DONTNEED).
drop_cached() {
  local file
  for file in "$@"; do
    sync "$file"  # pages that are not written yet would stay
    dd if="$file" iflag=nocache count=0 status=none
  done
}

median() {  # of the numbers on standard input
  sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# Nanoseconds that all processors worked so far, for whomever.
busy_ns() { awk -v hz="$(getconf CLK_TCK)" '/^cpu / { printf "%.0f", ($2 + $3 + $4 + $7 + $8 + $9) * 1e9 / hz }' /proc/stat; }

# timed NAME COMMAND…: adds a line to $rows: NAME, seconds, seconds of processors by COMMAND, share of all processors taken by others.
timed() {
  local name=$1 before wall user system
  local TIMEFORMAT='%R %U %S'
  shift
  before=$(busy_ns)
  { time "$@" >>"$rows.log" 2>&1; } 2>"$rows.time"
  read -r wall user system <"$rows.time"
  awk -v name="$name" -v wall="$wall" -v cpu="$user" -v kernel="$system" -v busy="$(($(busy_ns) - before))" -v n="$(nproc)" 'BEGIN {
    others = busy / 1e9 - cpu - kernel; if (others < 0) others = 0
    printf "%s %.3f %.3f %.0f\n", name, wall, cpu + kernel, 100 * others / ((wall + 1e-3) * n) }' >>"$rows"
}

# column NAME N: the median of that column of the rows of that name.
column() { awk -v name="$1" -v n="$2" '$1 == name { print $n }' "$rows" | median; }

# ---- bench/run --import ---------------------------------------------------------------------------------------------

# measure_import BYTES: every round reads one .rdb of random bytes three times, each time from the disk.
measure_import() {
  local bytes=$1 rounds=3 round bundle copy
  scratch=$(mktemp -d "$out/import.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  rows=$scratch/rows bundle=$scratch/bundle.rdb copy=$scratch/copy.rdb
  [ -z "$quick" ] || rounds=5
  say "a bundle of $bytes random bytes"
  site_prepare "$scratch/site"
  head -c "$bytes" /dev/zero | openssl enc -aes-256-ctr -nosalt -K 00 -iv 00 2>/dev/null >"$scratch/weights.bin"
  site_bundle "$scratch/weights.bin" "$bundle"
  rm "$scratch/weights.bin"
  for round in $(seq "$rounds"); do
    say "round $round of $rounds"
    drop_cached "$bundle"
    timed sha256sum sha256sum "$bundle"
    drop_cached "$bundle"
    timed openssl openssl dgst -sha256 "$bundle"
    drop_cached "$bundle"
    timed cp cp "$bundle" "$copy"
    timed sync sync "$copy"
    rm "$copy" && sync -f "$scratch"
    drop_cached "$bundle"
    timed import "$redoubt" import "$bundle" --config "$scratch/site/redoubt.toml" --no-activate
    rm -rf "$scratch/site/state/store" && sync -f "$scratch"
  done
  print_import "$bytes"
}

print_import() {
  local name
  awk '{ n[$1] = n[$1] " " $2 } END { for (i in n) printf "%-10s rounds, s:%s\n", i, n[i] }' "$rows" | sort
  printf '\n%-42s %8s %8s %8s %8s\n' "$1 bytes, from the disk; medians" s GB/s "cpu s" others
  for name in sha256sum openssl cp sync import; do
    awk -v name="$name" -v s="$(column $name 2)" -v cpu="$(column $name 3)" -v others="$(column $name 4)" -v bytes="$1" 'BEGIN {
      what["sha256sum"] = "sha256sum FILE"; what["openssl"] = "openssl dgst -sha256 FILE"
      what["cp"] = "cp FILE COPY, not on the disk yet"; what["sync"] = "sync COPY"
      what["import"] = "redoubt import FILE, on the disk"
      printf "%-42s %8.2f %8s %8.2f %6.0f %%\n", what[name], s, name == "sync" ? "" : sprintf("%.2f", bytes / 1e9 / s), cpu, others }'
  done
  awk -v sum="$(column sha256sum 2)" -v fast="$(column openssl 2)" -v cp="$(column cp 2)" -v sync="$(column sync 2)" \
    -v import="$(column import 2)" 'BEGIN {
    slower = sum > cp ? sum : cp; slower_fast = fast > cp + sync ? fast : cp + sync
    printf "\nimport / slower of sha256sum and cp (without its sync)    %.2f of at most 1.15  %s\n", import / slower, import <= 1.15 * slower ? "yes" : "NO"
    printf "import / slower of openssl dgst and cp with its sync      %.2f, for comparison\n", import / slower_fast
    exit import > 1.15 * slower }'
}

# ---- bench/run --load -----------------------------------------------------------------------------------------------

# measure_load SHAPE QUANT: a release of that model, started from a cold disk again and again; between the starts the same
# file of the store read with and without the hashing.
measure_load() {
  local rounds=7 round model object objects
  scratch=$(mktemp -d "$out/load.XXXXXX")
  trap 'service_stop; rm -rf "$scratch"' EXIT
  rows=$scratch/rows
  [ -z "$quick" ] || rounds=3
  model=$(model_file "$1" "$2")
  service_home=$scratch/site service_port=$(free_port 18443)
  say "a release of $1 $2, $(stat -c %s "$model") bytes"
  site_prepare "$service_home" "$(printf '[server]\nlisten = ["127.0.0.1:%s"]\n[engine]\nthreads = %s\nkv_cache_bytes = %s\n' \
    "$service_port" "$threads" $((256 << 20)))"
  site_bundle "$model" "$scratch/bundle.rdb"
  "$redoubt" import "$scratch/bundle.rdb" --config "$service_home/redoubt.toml" >/dev/null 2>&1
  rm "$scratch/bundle.rdb"
  objects=$(find "$service_home/state/store/objects" -type f)
  object=$(ls -S $objects | head -n 1)
  export REDOUBT_URL=https://127.0.0.1:$service_port REDOUBT_CA=$service_home/state/tls/certificate.pem
  service_start && service_stop  # the first start makes a certificate, too
  for round in $(seq "$rounds"); do
    say "start $round of $rounds"
    : >"$service_home/log"
    drop_cached $objects
    service_start
    "$redoubt" status --json --config "$service_home/redoubt.toml" >"$scratch/status.json"
    service_stop
    phases >>"$rows"
    "$bench" verify "$object" --threads "$threads" --rounds 1 --json "$scratch/verify.json" >/dev/null
    sed -n 's/.*"verified_ms":\([0-9.]*\).*/verified \1/p; ' "$scratch/verify.json" >>"$rows"
    sed -n 's/.*"read_ms":\([0-9.]*\).*/plain \1/p; ' "$scratch/verify.json" >>"$rows"
  done
  print_load "$(stat -c %s "$object")"
}

# The rows of one start, in milliseconds: since the engine was started, by the supervisor's clock; inside it, by its own.
phases() {
  sed -n 's/.*role ready role=engine after_ms=\([0-9]*\).*/ready \1/p' "$service_home/log"
  tr -d ' \n' <"$scratch/status.json" | grep -o '"load_phases_ms":{[^}]*}' | head -n 1 | cut -d'{' -f2 | tr -d '"}' | tr ',' '\n' |
    awk -F: '$2 ~ /^[0-9]+$/ { print $1, $2 }'
}

print_load() {
  local name
  awk '{ n[$1] = n[$1] " " $2 } END { for (i in n) printf "%-10s rounds, ms:%s\n", i, n[i] }' "$rows" | sort
  printf '\n%-58s %8s\n' "$1 bytes, from the disk, $threads threads; medians" ms
  for name in "ready engine: started to ready" "verify  of that: read and verified" "read  of that: the file's head, the backend" \
    "weights  of that: weights packed (tokenizer beside it)" "tokenizer  beside it: tokenizer" "engine  of that: engine" \
    "verified the same file alone: read and verified" "plain the same file alone: read, nothing hashed"; do
    printf '%-58s %8.0f\n' "${name#* }" "$(column "${name%% *}" 2)"
  done
  echo
  print_added verified "verification adds, the file alone" "of at most 10 %"
  print_added verify "by the engine's clock, beside the other roles' start" "for comparison"
  added_share verified | awk '{ exit $2 > 10 }'
}

# added_share WHAT: the median of the differences within each round (neighbours slow down both) between WHAT and reading alone, and
# its percentage of a cold start without it.
added_share() {
  awk -v what="$1" '$1 == what { v[++n] = $2 } $1 == "plain" { p[++m] = $2 } END { for (i = 1; i <= n; i++) print v[i] - p[i] }' "$rows" |
    median | awk -v ready="$(column ready 2)" '{ print $1, 100 * $1 / (ready - $1) }'
}

print_added() {
  added_share "$1" | awk -v what="$2" -v bar="$3" '{ printf "%-58s %5.0f ms, %.1f %% %s\n", what, $1, $2, bar }'
}
