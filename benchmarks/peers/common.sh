# Sourced by every peer's script. The benchmark sets DIR (an empty folder of this peer), PORT (listen here), SINK_PORT (relay
# here), KEY (RSA-2048 PEM), DOMAIN and SELECTOR. A script answers
#   available   exit 0 when the programs are installed
#   start       returns when the daemons run in the background
#   stop        ends them
#   auth        user:password the load generator logs in with
# Each answers 250 only after a durable commit, signs with RSA-2048 and relays every message to the sink.
set -eu
PATH=$PATH:/usr/sbin:/sbin
stop_pidfile() { # ends exactly the process whose id is in the file
  if [ -s "$1" ]; then kill "$(cat "$1")" 2>/dev/null || true; rm -f "$1"; fi
}
