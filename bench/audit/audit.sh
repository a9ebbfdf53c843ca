# Sourced by bench/run: what the audit log takes and costs. Wants what bench/import/import.sh wants, and its median, rows and column.

# audit_round NAME BINARY: tokens a second of 8 streams against that binary, on a state directory that both use in turns.
audit_round() {
  local product=$redoubt
  redoubt=$2
  service_start >/dev/null
  redoubt=$product
  "$bench" load --streams 1 --requests 1 --tokens 4 >/dev/null
  "$bench" load --streams 8 --requests "$load_requests" --tokens 64 --prompt-bytes 256 --json "$scratch/load.json" >/dev/null
  service_stop
  echo "$1 $(number "$scratch/load.json" tokens_per_second)" >>"$rows"
}

measure_audit() {
  local rounds=8 round kept=0
  load_requests=48
  [ -z "$quick" ] || { rounds=3; load_requests=32; }
  scratch=$(mktemp -d "$out/audit.XXXXXX")
  trap 'service_stop; rm -rf "$scratch"' EXIT
  chmod 755 "$scratch"
  rows=$scratch/rows
  say "records through the auditor, onto the disk of $out"
  "$bench" audit "$scratch/log" --redoubt "$redoubt" --seconds "$([ -n "$quick" ] && echo 5 || echo 20)" --json "$out/audit-append.json" || kept=1
  "$redoubt" audit verify --log "$scratch/log" | tail -n 3
  say "chat requests at 8 streams, audited and not, in turns"
  service_prepare "$(model_file qwen2.5-0.5b Q4_0)" "$scratch/site" $((256 << 20)) "$threads"
  audit_round warm "$redoubt"
  for round in $(seq "$rounds"); do
    say "round $round of $rounds"
    if [ $((round % 2)) = 1 ]; then
      audit_round audited "$redoubt"
      audit_round unaudited "$unaudited"
    else
      audit_round unaudited "$unaudited"
      audit_round audited "$redoubt"
    fi
  done
  print_audit || kept=1
  return "$kept"
}

# The share that is lost is the median of the rounds' own: neighbours slow down both of a pair.
print_audit() {
  awk '{ n[$1] = n[$1] " " $2 } END { for (i in n) printf "%-10s tokens/s:%s\n", i, n[i] }' "$rows" | sort
  awk '$1 == "audited" { a[++n] = $2 } $1 == "unaudited" { u[++m] = $2 }
    END { for (i = 1; i <= n; i++) print 100 * (1 - a[i] / u[i]) }' "$rows" | median |
    awk -v a="$(column audited 2)" -v u="$(column unaudited 2)" '{
      printf "\naudited %.1f tokens/s, records going nowhere %.1f: costs %.2f %% of at most 1 %%  %s\n", a, u, $1, $1 <= 1 ? "yes" : "NO"
      exit $1 > 1 }'
}
