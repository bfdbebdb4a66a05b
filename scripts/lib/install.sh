# shellcheck shell=bash
# Finding the installed PostgreSQL and RabbitMQ, and installing what is missing. Only the programs are wanted: the services
# that Debian's packages bring along are neither started nor enabled, and one that was already running is left alone.

# postgres_programs VERSION: the directory of initdb, pg_ctl and postgres of that major version; '' for the newest installed.
postgres_programs() {
  local version=$1 directory found=
  while IFS= read -r directory; do
    [[ -x $directory/initdb && -x $directory/postgres ]] && found=$directory
  done < <(printf '%s\n' "/usr/pgsql-${version:-*}/bin" "/usr/lib/postgresql/${version:-*}/bin" | expand_and_sort)
  if [[ -z $found ]] && directory=$(command -v initdb); then
    directory=$(dirname "$(readlink -f "$directory")")
    [[ -z $version || $("$directory/postgres" --version) == *" $version."* ]] && found=$directory
  fi
  [[ -n $found ]] && echo "$found"
}

# rabbitmq_programs: the directory of the real rabbitmq-server and rabbitmqctl. The ones in Debian's PATH are a wrapper that
# insists on the user rabbitmq.
rabbitmq_programs() {
  local directory found=
  while IFS= read -r directory; do
    [[ -x $directory/rabbitmq-server && -e $directory/rabbitmq-env ]] && found=$directory
  done < <(printf '%s\n' '/opt/rabbitmq/sbin' '/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin' | expand_and_sort)
  [[ -n $found ]] && command -v erl >/dev/null && echo "$found"
}

# Patterns in, the existing paths out, oldest version first.
expand_and_sort() {
  local pattern
  while IFS= read -r pattern; do
    compgen -G "$pattern" || true
  done | sort -V
}

# install_servers [postgres] [rabbitmq] [nginx] [caddy] [prometheus] [wrk]: quiet when nothing is missing. wrk is no server, but what
# puts load on ours.
install_servers() {
  local server packages=()
  (($# > 0)) || set -- postgres rabbitmq
  for server in "$@"; do
    case $server in
      postgres) postgres_programs '' >/dev/null || packages+=(postgresql) ;;
      rabbitmq) rabbitmq_programs >/dev/null || packages+=(rabbitmq-server) ;;
      nginx) [[ -x /usr/sbin/nginx ]] || packages+=(nginx) ;;
      caddy) command -v caddy >/dev/null || packages+=(caddy) ;;
      prometheus) command -v prometheus >/dev/null && command -v promtool >/dev/null || packages+=(prometheus) ;;
      wrk) command -v wrk >/dev/null || packages+=(wrk) ;;
      *) die "install: unknown server '$server' (postgres, rabbitmq, nginx, caddy, prometheus, wrk)" ;;
    esac
  done
  ((${#packages[@]} > 0)) || return 0

  command -v apt-get >/dev/null ||
    die "please install with your system's package manager and run this again: ${packages[*]} (PostgreSQL 15, RabbitMQ 3.10 or newer)"
  local as_root=()
  if ! is_root; then
    sudo -n true 2>/dev/null || die "please run this and try again: sudo apt-get install ${packages[*]}"
    as_root=(sudo -n)
  fi

  say "installing ${packages[*]} (the programs only; their services stay off)"
  local log
  log=$(mktemp)
  "${as_root[@]}" bash -s -- "${packages[@]}" >"$log" 2>&1 <<<"$install_as_root" ||
    die_with_log "apt-get could not install ${packages[*]}" "$log"
  rm -f "$log"
}

# Runs as root with the packages as arguments. policy-rc.d is Debian's switch against starting services in an installation;
# the systemd units are disabled afterwards so that the next boot does not start them either.
install_as_root=$(
  cat <<'SCRIPT'
set -u
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
apt-get -o DPkg::Lock::Timeout=300 update </dev/null
apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" </dev/null || exit 1
if command -v systemctl >/dev/null; then
  for package in "$@"; do
    systemctl disable "$package" || true
  done
fi
SCRIPT
)
