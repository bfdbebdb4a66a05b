# shellcheck shell=bash
# Small helpers that several scripts share. Sourced, never run. Linux only: processes are read from /proc.

# Everything for the reader goes to stderr; stdout carries only results.
say() { printf '%s\n' "$*" >&2; }

die() {
  say "${0##*/}: $*"
  exit 1
}

# die_with_log SENTENCE LOG...: the sentence, then the end of each log that has something to say.
die_with_log() {
  local sentence=$1 log
  shift
  say "${0##*/}: $sentence"
  for log in "$@"; do
    [[ -s $log ]] || continue
    say "--- the end of $log"
    tail -n 20 -- "$log" >&2
  done
  exit 1
}

is_root() { [[ $(id -u) == 0 ]]; }

# runs PID TEXT: the process lives and has TEXT among its arguments. A pid alone proves nothing: it may belong to another
# process by now. A zombie has no arguments and so does not count.
runs() {
  local arguments
  [[ $1 =~ ^[0-9]+$ && -r /proc/$1/cmdline ]] || return 1
  arguments=$(tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline") || return 1
  [[ $arguments == *"$2"* ]]
}

# wait_for SECONDS COMMAND...: polls until the command succeeds; 1 when the time is up.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

port_is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_ports COUNT: the first of COUNT neighbouring free ports on 127.0.0.1. They lie below 32768, where Linux takes the
# ports of outgoing connections from, so that no connection sits on one when its server comes back.
free_ports() {
  local port i
  while :; do
    port=$((20000 + RANDOM % 12000))
    for ((i = 0; i < $1; i++)); do
      ! port_is_open $((port + i)) || continue 2
    done
    echo "$port"
    return
  done
}

# The repository's cargo, or a sentence that says how to get one.
need_cargo() {
  command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin
  command -v cargo >/dev/null || die "cargo is missing: install Rust from https://rustup.rs and run this again"
}

# Where cargo puts its output, whether an environment variable, a configuration file or nothing says so.
target_directory() {
  cargo metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# run_stage NAME COMMAND...: runs it and prints how long it took; a failure ends the script.
run_stage() {
  local status=0
  try_stage "$@" || status=$?
  ((status == 0)) || die "$1 failed (exit code $status)"
}

# try_stage NAME COMMAND...: the same, but a failure is only its own exit code. The command gets a process group of its own and
# the script waits beside it, so that a signal reaches all of it at once (see on_signal) and not only when it is over.
try_stage() {
  local name=$1 began=$SECONDS status=0
  shift
  say "== $name"
  set -m
  "$@" </dev/null &
  stage_group=$!
  set +m
  wait "$stage_group" || status=$?
  stage_group=
  if ((status == 0)); then
    say "== $name: ok, $((SECONDS - began)) s"
  else
    say "== $name: FAILED (exit code $status), $((SECONDS - began)) s"
  fi
  return "$status"
}

# print_header_and_exit_if_help SCRIPT "$@": answers --help with the comment at the script's head, before anything is built or
# started.
print_header_and_exit_if_help() {
  local script=$1 argument
  shift
  for argument in "$@"; do
    case $argument in
      -h | --help) ;;
      --) return 0 ;;
      *) continue ;;
    esac
    # From the second line on, as long as there are comments, without their marks.
    sed -n '2,${/^#/!q;s/^# \{0,1\}//p}' "$script"
    exit
  done
}

# To be set as the trap of INT and TERM, with the signal's name. The trap of EXIT cleans up.
on_signal() {
  trap '' INT TERM
  if [[ -n ${stage_group:-} ]]; then
    kill "-$1" -- "-$stage_group" 2>/dev/null || true
    wait "$stage_group" || true
  fi
  [[ $1 == INT ]] && exit 130
  exit 143
}
