# shellcheck shell=bash
# A private RabbitMQ node. DIR/rabbitmq.env remembers it, so that a restart has the same port, name and data:
#   rb_node       its Erlang name; @localhost, so that no host name needs to resolve
#   rb_port       its AMQP port on 127.0.0.1
#   rb_dist_port  its Erlang distribution port, for rabbitmq-ctl
#   rb_epmd_port  the port of its own name server (epmd); the usual one belongs to the machine's RabbitMQ
#   rb_epmd_pid, rb_launch_pid   processes of ours; the node's own pid is in DIR/rabbitmq/pid

readonly RB_START_SECONDS=120
readonly RB_STOP_SECONDS=60

rabbitmq_start() {
  local dir=$1
  rabbitmq_load "$dir"
  rabbitmq_find_programs
  if ! rabbitmq_runs; then
    rabbitmq_choose
    rabbitmq_start_epmd
    rabbitmq_remember "$dir"
    rabbitmq_configure
    rabbitmq_launch
    rabbitmq_remember "$dir"
  fi
  wait_for "$RB_START_SECONDS" rabbitmq_answers_or_died || true
  amqp_answers "$rb_port" ||
    die_with_log "RabbitMQ in $rb_home did not accept connections" "$rb_home/log/startup.log" "$rb_home/log/rabbit.log"
  echo "amqp://guest:guest@127.0.0.1:$rb_port/%2f"
}

rabbitmq_stop() {
  rabbitmq_load "$1"
  # TERM lets the node finish its writes. Before it has written its pid, its launcher passes the signal on.
  if rabbitmq_node_runs; then
    kill -TERM "$(rabbitmq_pid)" 2>/dev/null || true
  elif rabbitmq_launcher_runs; then
    kill -TERM "$rb_launch_pid" 2>/dev/null || true
  fi
  wait_for "$RB_STOP_SECONDS" rabbitmq_is_gone || rabbitmq_kill "$1"
  ! rabbitmq_epmd_runs || kill -TERM "$rb_epmd_pid" 2>/dev/null || true
}

# As a crash. epmd stays: it would survive one, too.
rabbitmq_kill() {
  rabbitmq_load "$1"
  ! rabbitmq_node_runs || kill -KILL "$(rabbitmq_pid)" 2>/dev/null || true
  # The launcher leads a process group that holds the node and its port programs.
  ! rabbitmq_launcher_runs || kill -KILL -- "-$rb_launch_pid" 2>/dev/null || true
  wait_for 10 rabbitmq_is_gone || die "RabbitMQ in $rb_home does not end"
}

rabbitmq_ctl() {
  local dir=$1
  shift
  rabbitmq_load "$dir"
  rabbitmq_find_programs
  [[ -n $rb_node ]] || die "there is no RabbitMQ in $dir: run '$0 rabbitmq-start $dir'"
  rabbitmq_environment
  env -i "${rb_environment[@]}" "$rb_bin/rabbitmqctl" -q "$@"
}

rabbitmq_remove() {
  rabbitmq_stop "$1"
  rm -rf -- "$rb_home"
  rm -f -- "$1/rabbitmq.env"
}

rabbitmq_load() {
  rb_home=$1/rabbitmq
  rb_node='' rb_port='' rb_dist_port='' rb_epmd_port='' rb_epmd_pid='' rb_launch_pid=''
  # shellcheck source=/dev/null
  [[ ! -f $1/rabbitmq.env ]] || source "$1/rabbitmq.env"
}

rabbitmq_remember() {
  printf '%s=%q\n' rb_node "$rb_node" rb_port "$rb_port" rb_dist_port "$rb_dist_port" rb_epmd_port "$rb_epmd_port" \
    rb_epmd_pid "$rb_epmd_pid" rb_launch_pid "$rb_launch_pid" >"$1/rabbitmq.env.new"
  mv "$1/rabbitmq.env.new" "$1/rabbitmq.env"
}

rabbitmq_find_programs() {
  rb_bin=$(rabbitmq_programs) || die "RabbitMQ is not installed: run '$0 install'"
}

rabbitmq_pid() { cat "$rb_home/pid" 2>/dev/null; }
# Both carry the node's name as an argument (see rabbitmq_launch), so that their pids can be believed.
rabbitmq_node_runs() { runs "$(rabbitmq_pid)" "-commissary $rb_node"; }
rabbitmq_launcher_runs() { runs "$rb_launch_pid" "-commissary $rb_node"; }
rabbitmq_runs() { rabbitmq_node_runs || rabbitmq_launcher_runs; }
rabbitmq_is_gone() { ! rabbitmq_runs; }
rabbitmq_epmd_runs() { runs "$rb_epmd_pid" "-port $rb_epmd_port"; }

# The node opens its port when everything else is ready. It answers a protocol header with a method frame (type 1).
amqp_answers() (
  exec 2>/dev/null
  exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
  printf 'AMQP\x00\x00\x09\x01' >&3
  [[ $(timeout 2 head -c 1 <&3 | od -An -tu1 | tr -d ' ') == 1 ]]
)
# The launcher lives as long as its node, and just after the start it is all there is.
rabbitmq_answers_or_died() { ! kill -0 "$rb_launch_pid" 2>/dev/null || amqp_answers "$rb_port"; }

rabbitmq_choose() {
  local first
  if [[ -z $rb_node ]]; then
    rb_node=cm-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')@localhost
    rb_port=$(free_ports 1)
  elif port_is_open "$rb_port"; then
    die "port $rb_port, on which the RabbitMQ of $rb_home was started first, is taken by another process"
  fi
  # Nobody else knows the other two ports, so they need not stay.
  if ! rabbitmq_epmd_runs; then
    first=$(free_ports 3)
    [[ $rb_port != "$first" ]] || first=$((first + 1))
    rb_epmd_port=$first rb_dist_port=$((first + 1))
    [[ $rb_port != "$rb_dist_port" ]] || rb_dist_port=$((first + 2))
  fi
}

# Started by us and not, as usual, by the first Erlang program that finds none: so we know its pid.
rabbitmq_start_epmd() {
  ! rabbitmq_epmd_runs || return 0
  setsid epmd -address 127.0.0.1 -port "$rb_epmd_port" </dev/null >/dev/null 2>&1 &
  rb_epmd_pid=$!
  wait_for 10 port_is_open "$rb_epmd_port" || die "epmd did not start on port $rb_epmd_port"
}

rabbitmq_configure() {
  mkdir -p "$rb_home"/{data,log,schema,generated}
  chmod 700 "$rb_home" # messages are in it
  if [[ ! -f $rb_home/.erlang.cookie ]]; then
    (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$rb_home/.erlang.cookie")
    chmod 400 "$rb_home/.erlang.cookie"
  fi
  # Empty files instead of the machine's own in /etc/rabbitmq.
  : >"$rb_home/env.conf"
  echo '[].' >"$rb_home/advanced.config"
  echo '[].' >"$rb_home/enabled_plugins"
  cat >"$rb_home/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$rb_port
disk_free_limit.absolute = 50MB
log.file.level = warning
log.console = false
CONF
}

# The node's whole environment; nothing of the caller's gets in.
rabbitmq_environment() {
  local local_only='-kernel inet_dist_use_interface {127,0,0,1}'
  rb_environment=(
    PATH="$PATH" LANG=C.UTF-8 HOME="$rb_home"
    ERL_EPMD_PORT="$rb_epmd_port"
    ERL_EPMD_ADDRESS=127.0.0.1
    RABBITMQ_NODENAME="$rb_node"
    RABBITMQ_NODE_IP_ADDRESS=127.0.0.1
    RABBITMQ_NODE_PORT="$rb_port"
    RABBITMQ_DIST_PORT="$rb_dist_port"
    RABBITMQ_PID_FILE="$rb_home/pid"
    RABBITMQ_MNESIA_BASE="$rb_home/data"
    RABBITMQ_LOG_BASE="$rb_home/log"
    RABBITMQ_LOGS="$rb_home/log/rabbit.log"
    RABBITMQ_SCHEMA_DIR="$rb_home/schema"
    RABBITMQ_GENERATED_CONFIG_DIR="$rb_home/generated"
    RABBITMQ_CONF_ENV_FILE="$rb_home/env.conf"
    RABBITMQ_CONFIG_FILE="$rb_home/rabbitmq.conf"
    RABBITMQ_CONFIG_FILES="$rb_home/conf.d/*.conf"
    RABBITMQ_ADVANCED_CONFIG_FILE="$rb_home/advanced.config"
    RABBITMQ_ENABLED_PLUGINS_FILE="$rb_home/enabled_plugins"
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="$local_only"
    RABBITMQ_CTL_ERL_ARGS="$local_only"
  )
}

# In a session of its own, so that Ctrl-C does not reach it before its clients. Erlang ignores the argument; it marks the
# launcher and the node as ours.
rabbitmq_launch() {
  rm -f "$rb_home/pid"
  rabbitmq_environment
  env -i "${rb_environment[@]}" setsid "$rb_bin/rabbitmq-server" -commissary "$rb_node" </dev/null >"$rb_home/log/startup.log" 2>&1 &
  rb_launch_pid=$!
}
