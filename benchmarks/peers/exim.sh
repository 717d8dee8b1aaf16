#!/bin/bash
# Exim 4 with DKIM signing built in, as a private instance. EXIM names the program where it is not exim4 in PATH (Debian lets
# only one mail server be installed: `dpkg -x` of exim4-base and exim4-daemon-heavy into a folder does for this).
. "$(dirname "$0")/common.sh"
EXIM=${EXIM:-$(command -v exim4 || true)}

configure() {
  mkdir -p "$DIR"/{spool,log}
  chown Debian-exim: "$DIR/spool" "$DIR/log"
  chmod 755 "$DIR"
  install -o Debian-exim -m 600 "$KEY" "$DIR/key.pem"
  cat >"$DIR/exim.conf" <<C
exim_path = $EXIM
spool_directory = $DIR/spool
log_file_path = $DIR/log/%slog
pid_file_path = $DIR/exim.pid
primary_hostname = relay.example
local_interfaces = 127.0.0.1
daemon_smtp_ports = $PORT
tls_advertise_hosts =
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
acl_smtp_rcpt = acl_rcpt
message_size_limit = 30M
# Tuned for this job: deliver at once, however many messages or sessions.
smtp_accept_max = 400
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
smtp_connect_backlog = 400
remote_max_parallel = 10
queue_run_max = 10
split_spool_directory = true
begin acl
acl_rcpt:
  accept authenticated = *
         control = dkim_disable_verify
begin routers
out:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = sink
begin transports
sink:
  driver = smtp
  allow_localhost
  hosts = 127.0.0.1
  port = $SINK_PORT
  hosts_avoid_tls = *
  dkim_domain = $DOMAIN
  dkim_selector = $SELECTOR
  dkim_private_key = $DIR/key.pem
  dkim_canon = relaxed
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{\$auth2}{agent}}{eq{\$auth3}{secret}}}}
  server_set_id = \$auth2
C
}

case $1 in
available) [ -n "$EXIM" ] && [ -x "$EXIM" ] && getent passwd Debian-exim >/dev/null ;;
start) configure; "$EXIM" -C "$DIR/exim.conf" -bd -q1m ;;
stop) stop_pidfile "$DIR/exim.pid" ;;
auth) echo agent:secret ;;
esac
