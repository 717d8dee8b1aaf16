#!/bin/bash
# Postfix with the OpenDKIM milter as a private instance: own configuration, queue and port; Cyrus SASL with a password file.
# Debian: apt install postfix opendkim sasl2-bin libsasl2-modules
. "$(dirname "$0")/common.sh"

configure() {
  mkdir -p "$DIR"/{etc/sasl,spool/opendkim,data,dkim}
  chown postfix "$DIR/data"
  chmod 755 "$DIR" "$DIR"/*
  install -o opendkim -m 600 "$KEY" "$DIR/dkim/key.pem"
  chown opendkim "$DIR/dkim"
  chown opendkim:postfix "$DIR/spool/opendkim"
  chmod 2750 "$DIR/spool/opendkim"
  cat >"$DIR/opendkim.conf" <<C
Mode s
Domain $DOMAIN
Selector $SELECTOR
KeyFile $DIR/dkim/key.pem
RequireSafeKeys no
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
OversignHeaders From
Socket local:$DIR/spool/opendkim/sock
UMask 002
PidFile $DIR/opendkim.pid
UserID opendkim
InternalHosts 127.0.0.1
Syslog no
C
  printf 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN\nsasldb_path: %s\n' "$DIR/etc/sasldb2" >"$DIR/etc/sasl/smtpd.conf"
  printf secret | saslpasswd2 -p -f "$DIR/etc/sasldb2" -c -u relay.example agent
  chown postfix "$DIR/etc/sasldb2"
  cp /etc/postfix/dynamicmaps.cf "$DIR/etc/" 2>/dev/null || true
  sed -e "s/^smtp  *inet.*/127.0.0.1:$PORT inet n - n - - smtpd/" \
    -e '/^maildrop\|^uucp\|^ifmail\|^bsmtp\|^scalemail\|^mailman\|^ *flags=\|^  *user=/d' \
    /usr/share/postfix/master.cf.dist >"$DIR/etc/master.cf"
  cat >"$DIR/etc/main.cf" <<C
compatibility_level = 3.6
queue_directory = $DIR/spool
data_directory = $DIR/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = $DIR/mail.log
maillog_file_prefixes = /var, /tmp
myhostname = relay.example
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 10.9.9.9
cyrus_sasl_config_path = $DIR/etc/sasl
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = relay.example
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_peername_lookup = no
smtpd_tls_security_level = none
relayhost = [127.0.0.1]:$SINK_PORT
smtp_tls_security_level = none
# A Unix socket: over TCP every message would lose two delayed acknowledgements.
smtpd_milters = unix:$DIR/spool/opendkim/sock
milter_default_action = tempfail
message_size_limit = 30000000
# Tuned for this job.
default_process_limit = 250
in_flow_delay = 0
initial_destination_concurrency = 20
smtp_destination_concurrency_limit = 20
smtp_connection_cache_destinations = [127.0.0.1]:$SINK_PORT
C
}

case $1 in
available) for program in postfix opendkim saslpasswd2; do command -v $program >/dev/null || exit 1; done ;;
start) configure; opendkim -x "$DIR/opendkim.conf"; postfix -c "$DIR/etc" start >"$DIR/start.log" 2>&1 ;;
stop) postfix -c "$DIR/etc" stop >/dev/null 2>&1 || true; stop_pidfile "$DIR/opendkim.pid" ;;
auth) echo agent:secret ;;
esac
