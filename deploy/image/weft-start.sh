#!/bin/sh
# Starts one process of OVN or Open vSwitch in a container: weft-start WHAT. All log to standard error.
#
#     northbound southbound   a database of OVN central, on port 6641 or 6642 of $ADDRESS
#     northd                  ovn-northd, beside both
#     vswitch-database        the node's database
#     vswitchd controller     ovs-vswitchd and ovn-controller
#
# $TLS names a folder with tls.key, tls.crt and ca.crt, the authority whose certificates the other side may have. The
# southbound database also takes those of clients.crt, if that is there: nodes have no access to the northbound one.
set -eu
: "${TLS:=/etc/weft/tls}"
logging="-vconsole:info -vsyslog:off -vfile:off"
tls="--private-key=$TLS/tls.key --certificate=$TLS/tls.crt"
vswitch=/run/openvswitch/db.sock

# Waits for a socket, because containers of a pod start in any order.
await() {
  until [ -S "$1" ]; do sleep 0.2; done
}

# Longer than the longest recompute of an ovn-controller, during which it answers no probe.
probe_ms=180000

# central NAME PORT SCHEMA DATABASE TABLE: one of OVN's two databases. Where it listens is a row of its own (ovn-nb(5)).
central() {
  file=/var/lib/ovn/ovn${1}_db.db
  if [ ! -e "$file" ]; then
    ovsdb-tool create "$file.new" "/usr/share/ovn/$3.ovsschema"
    ovsdb-tool transact "$file.new" "[\"$4\",{\"op\":\"insert\",\"table\":\"$5\",\"row\":{}}]" >&2
    mv "$file.new" "$file"
  fi
  case "$ADDRESS" in *:*) address="[$ADDRESS]" ;; *) address=$ADDRESS ;; esac
  authority=$TLS/ca.crt
  [ "$1" = nb ] || [ ! -e "$TLS/clients.crt" ] || authority=$TLS/clients.crt
  ovsdb-tool transact "$file" "[\"$4\",{\"op\":\"delete\",\"table\":\"Connection\",\"where\":[]},
    {\"op\":\"insert\",\"table\":\"Connection\",\"uuid-name\":\"listener\",
      \"row\":{\"target\":\"pssl:$2:$address\",\"inactivity_probe\":$probe_ms}},
    {\"op\":\"update\",\"table\":\"$5\",\"where\":[],\"row\":{\"connections\":[\"named-uuid\",\"listener\"]}}]" >&2
  # shellcheck disable=SC2086
  exec ovsdb-server "$file" "--remote=punix:/run/ovn/ovn${1}_db.sock" "--remote=db:$4,$5,connections" \
    "--unixctl=/run/ovn/ovn${1}_db.ctl" "--pidfile=/run/ovn/ovn${1}_db.pid" $tls "--ca-cert=$authority" $logging
}

mkdir -p /run/ovn /run/openvswitch
# shellcheck disable=SC2086
case "${1:-}" in
  northbound) central nb 6641 ovn-nb OVN_Northbound NB_Global ;;
  southbound) central sb 6642 ovn-sb OVN_Southbound SB_Global ;;
  northd)
    await /run/ovn/ovnnb_db.sock
    await /run/ovn/ovnsb_db.sock
    exec ovn-northd --ovnnb-db=unix:/run/ovn/ovnnb_db.sock --ovnsb-db=unix:/run/ovn/ovnsb_db.sock --pidfile $logging
    ;;
  vswitch-database)
    file=/var/lib/openvswitch/conf.db
    if [ ! -e "$file" ]; then
      ovsdb-tool create "$file.new" /usr/share/openvswitch/vswitch.ovsschema
      ovsdb-tool transact "$file.new" '["Open_vSwitch",{"op":"insert","table":"Open_vSwitch","row":{}}]' >&2
      mv "$file.new" "$file"
    fi
    exec ovsdb-server "$file" "--remote=punix:$vswitch" --pidfile $logging
    ;;
  vswitchd)
    await "$vswitch"
    exec ovs-vswitchd "unix:$vswitch" --pidfile $logging
    ;;
  controller)
    await "$vswitch"
    exec ovn-controller "unix:$vswitch" --pidfile $tls "--ca-cert=$TLS/ca.crt" $logging
    ;;
  *)
    echo "weft-start: what to start? northbound, southbound, northd, vswitch-database, vswitchd or controller" >&2
    exit 2
    ;;
esac
