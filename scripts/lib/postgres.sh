# shellcheck shell=bash
# A private PostgreSQL cluster. DIR/postgres.env remembers where it is, so that every later start gives the same URL:
#   pg_data    the data directory: DIR/postgres, or one under /var/tmp when the server's user cannot enter DIR
#   pg_socket  the directory of its socket: short (a socket's path has 107 bytes) and closed to others
#   pg_port    the TCP port on 127.0.0.1, empty for none
#   pg_fast    yes: no fsync, for tests

readonly PG_WAIT_SECONDS=60
# The port that names the socket when there is no TCP; it is what clients take when a URL says nothing.
readonly PG_SOCKET_PORT=5432

postgres_start() {
  local dir=$1 tcp=no fast=
  shift
  while (($# > 0)); do
    case $1 in
      --tcp) tcp=yes ;;
      --fast) fast=yes ;;
      *) die "postgres-start: unknown option '$1' (--tcp, --fast)" ;;
    esac
    shift
  done
  postgres_load "$dir"
  postgres_find_programs

  if postgres_runs; then
    [[ $tcp == no || -n $pg_port ]] || die "the cluster of $dir runs without TCP: stop it before starting it with --tcp"
  else
    pg_fast=${fast:-$pg_fast}
    [[ $tcp == no || -n $pg_port ]] || pg_port=$(free_ports 1)
    postgres_choose_places "$dir"
    postgres_remember "$dir"
    postgres_create
    postgres_configure
    postgres_launch
  fi
  wait_for "$PG_WAIT_SECONDS" postgres_answers ||
    die_with_log "PostgreSQL in $pg_data did not accept connections within $PG_WAIT_SECONDS seconds" "$pg_data/server.log"
  postgres_url
}

postgres_stop() {
  postgres_load "$1"
  postgres_runs || return 0
  postgres_find_programs
  as_postgres "$pg_bin/pg_ctl" -D "$pg_data" -s -w -t "$PG_WAIT_SECONDS" -m fast stop >&2 || postgres_kill "$1"
}

# As a crash: no checkpoint, every connection cut; the next start recovers from the log.
postgres_kill() {
  postgres_load "$1"
  postgres_runs || return 0
  postgres_find_programs
  as_postgres "$pg_bin/pg_ctl" -D "$pg_data" -s -w -t "$PG_WAIT_SECONDS" -m immediate stop >&2 ||
    die_with_log "PostgreSQL in $pg_data does not stop" "$pg_data/server.log"
}

postgres_remove() {
  postgres_stop "$1"
  # A start that was interrupted may not have got as far as naming its process.
  [[ -z $pg_data ]] || postgres_processes | xargs -r kill -QUIT 2>/dev/null || true
  [[ ! -d $pg_socket ]] || rm -rf -- "$pg_socket"
  [[ -z $pg_data ]] || rm -rf -- "$pg_data" "$pg_data.new"
  [[ $pg_data != /var/tmp/cm-*/postgres ]] || rmdir -- "${pg_data%/postgres}" 2>/dev/null || true
  rm -f -- "$1/postgres.env"
}

postgres_load() {
  pg_data='' pg_socket='' pg_port='' pg_fast=''
  # shellcheck source=/dev/null
  [[ ! -f $1/postgres.env ]] || source "$1/postgres.env"
}

postgres_remember() {
  printf '%s=%q\n' pg_data "$pg_data" pg_socket "$pg_socket" pg_port "$pg_port" pg_fast "$pg_fast" >"$1/postgres.env.new"
  mv "$1/postgres.env.new" "$1/postgres.env"
}

postgres_url() {
  if [[ -n $pg_port ]]; then
    echo "postgres://commissary@127.0.0.1:$pg_port/postgres"
  else
    echo "postgres://commissary@localhost/postgres?host=${pg_socket//\//%2F}"
  fi
}

# A cluster can only be served by the version that made it.
postgres_find_programs() {
  local version=
  [[ ! -f $pg_data/PG_VERSION ]] || version=$(<"$pg_data/PG_VERSION")
  pg_bin=$(postgres_programs "$version") || die "PostgreSQL ${version:+$version (which made $pg_data) }is not installed: run '$0 install'"
  ! is_root || id postgres >/dev/null 2>&1 ||
    die "PostgreSQL does not run as root and there is no user 'postgres': run 'useradd --system postgres' or use an ordinary user"
}

# The server refuses to be root.
as_postgres() (
  cd / # the caller's directory may be closed to the server's user
  if ! is_root; then
    "$@"
  elif command -v setpriv >/dev/null; then
    setpriv --reuid postgres --regid postgres --init-groups -- "$@"
  elif command -v runuser >/dev/null; then
    runuser -u postgres -- "$@"
  else
    su postgres -s "$BASH" -c "$(printf '%q ' "$@")"
  fi
)

postgres_pid() { head -n 1 "$pg_data/postmaster.pid" 2>/dev/null; }
postgres_runs() { [[ -n $pg_data ]] && runs "$(postgres_pid)" "$pg_data"; }
postgres_answers() {
  "$pg_bin/pg_isready" -q -h "$pg_socket" -p "${pg_port:-$PG_SOCKET_PORT}" -U commissary -d postgres
}

# Owned by the server's user; the caller, if it is another, enters by its group.
private_directory() {
  ! is_root || chown "postgres:$(id -g)" "$1"
  chmod "$2" "$1"
}

postgres_choose_places() {
  local dir=$1
  if [[ -n $pg_data && ! -f $pg_data/PG_VERSION ]]; then
    say "the cluster that $dir remembers, $pg_data, is gone: making a new one"
    pg_data=
  fi
  if [[ -z $pg_data ]]; then
    pg_data=$dir/postgres
    mkdir -p "$pg_data"
    private_directory "$pg_data" 700
    if ! as_postgres test -w "$pg_data"; then
      rmdir "$pg_data"
      pg_data=$(mktemp -d /var/tmp/cm-XXXXXX)
      private_directory "$pg_data" 700
      pg_data+=/postgres
      say "the user postgres cannot enter $dir: the cluster's data is in $pg_data"
    fi
  fi
  # After a cleaning of /tmp the remembered directory is made again, unless somebody else took its name.
  if [[ -n $pg_socket ]] && ! mkdir -m 700 "$pg_socket" 2>/dev/null &&
    { [[ -L $pg_socket ]] || ! as_postgres test -O "$pg_socket"; }; then
    pg_socket=
  fi
  [[ -n $pg_socket ]] || pg_socket=$(mktemp -d /tmp/cm-XXXXXX)
  private_directory "$pg_socket" 770
}

# Made beside its place and moved there whole, so that a killed run leaves no half of a cluster.
postgres_create() {
  [[ ! -f $pg_data/PG_VERSION ]] || return 0
  local log
  log=$(mktemp)
  rm -rf -- "$pg_data.new"
  mkdir "$pg_data.new"
  private_directory "$pg_data.new" 700
  as_postgres "$pg_bin/initdb" -D "$pg_data.new" -U commissary -A trust -E UTF8 --locale=C --no-sync >"$log" 2>&1 ||
    die_with_log "initdb failed in $pg_data.new" "$log"
  rm -f "$log"
  echo "include 'commissary.conf'" >>"$pg_data.new/postgresql.conf"
  [[ ! -d $pg_data ]] || rmdir "$pg_data" 2>/dev/null || die "$pg_data is neither empty nor a cluster: move it away"
  mv -T "$pg_data.new" "$pg_data"
  [[ -n $pg_fast ]] || sync -f "$pg_data"
}

postgres_configure() {
  local durable=on tcp='' counting=''
  [[ -z $pg_fast ]] || durable=off
  [[ -z $pg_port ]] || tcp=127.0.0.1
  # Tests ask what statements cost. It comes with the server, as the rest of PostgreSQL's own extensions.
  [[ -z $pg_fast ]] || counting="shared_preload_libraries = 'pg_stat_statements'"$'\n'"pg_stat_statements.max = 20000"
  as_postgres tee "$pg_data/commissary.conf" >/dev/null <<CONF
# Written by scripts/servers at every start; change postgresql.auto.conf (ALTER SYSTEM) instead.
listen_addresses = '$tcp'
port = ${pg_port:-$PG_SOCKET_PORT}
unix_socket_directories = '$pg_socket'
max_connections = 300
timezone = 'UTC'
log_timezone = 'UTC'
fsync = $durable
synchronous_commit = $durable
full_page_writes = $durable
$counting
CONF
}

postgres_launch() {
  # A killed server's backends end on their own, but not at once, and must not meet a new server. When they are gone, what
  # the server left behind is stale, though its pid may seem alive: a zombie, or another program in a new container.
  wait_for "$PG_WAIT_SECONDS" postgres_is_gone ||
    die "processes of a killed PostgreSQL still use $pg_data: $(postgres_processes | tr '\n' ' ')"
  as_postgres rm -f "$pg_data/postmaster.pid" "$pg_socket/.s.PGSQL.${pg_port:-$PG_SOCKET_PORT}"{,.lock}

  as_postgres truncate -s 0 "$pg_data/server.log"
  # pg_ctl puts the server into a session of its own, so that Ctrl-C does not reach it before its clients.
  as_postgres env -u PGPORT -u PGDATA -u PGOPTIONS \
    "$pg_bin/pg_ctl" -D "$pg_data" -l "$pg_data/server.log" -s -w -t "$PG_WAIT_SECONDS" start >/dev/null 2>&1 ||
    die_with_log "PostgreSQL did not start in $pg_data" "$pg_data/server.log"
}

# Every process of a server has its data directory as its working directory.
postgres_processes() { find /proc -mindepth 2 -maxdepth 2 -name cwd -lname "$pg_data" 2>/dev/null | cut -d / -f 3; }
postgres_is_gone() { [[ -z $(postgres_processes) ]]; }
