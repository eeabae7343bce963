#!/bin/sh
# Starts one process of OVN or Open vSwitch in a container: weft-start WHAT. All log to standard error.
#
#     northbound southbound   a database of OVN central; $NODE_NAME and $MEMBERS say where (weft central begin --help)
#     northd                  ovn-northd, for the databases $NORTHBOUND and $SOUTHBOUND
#     vswitch-database        the node's database
#     vswitchd controller     ovs-vswitchd, which after a boot of the node begins without transient ports; and ovn-controller
#
# $TLS names a folder with tls.key, tls.crt and ca.crt, the authority whose certificates the other side may have. The
# southbound database also takes those of clients.crt, if that is there: nodes have no access to the northbound one.
set -eu
: "${TLS:=/etc/weft/tls}" "${OVS_RUNDIR:=/run/openvswitch}" "${OVS_DBDIR:=/var/lib/openvswitch}" "${OVN_RUNDIR:=/run/ovn}"
: "${BOOT_ID:=/proc/sys/kernel/random/boot_id}"
logging="-vconsole:info -vsyslog:off -vfile:off"
tls="--private-key=$TLS/tls.key --certificate=$TLS/tls.crt"
vswitch=$OVS_RUNDIR/db.sock

# Waits for a socket, because containers of a pod start in any order.
await() {
  until [ -S "$1" ]; do sleep 0.2; done
}

# Ports that are not to survive a boot (ovs-ctl(8)): those of pods, and the uplink's, so that a node boots with its addresses on
# its card and is reached there, until `weft node uplink` moves them. An unknown last boot is taken for this one.
forget_last_boot() {
  if [ -e "$OVS_DBDIR/boot" ] && [ "$(cat "$OVS_DBDIR/boot")" != "$(cat "$BOOT_ID")" ]; then
    for port in $(ovs-vsctl "--db=unix:$vswitch" --no-wait --bare --columns=name find Port other_config:transient=true); do
      ovs-vsctl "--db=unix:$vswitch" --no-wait -- --if-exists del-port "$port"
    done
  fi
  cat "$BOOT_ID" > "$OVS_DBDIR/boot"
}

# central NAME PREFIX: one of OVN's two databases. `weft central begin` makes its file and says where it listens.
central() {
  # shellcheck disable=SC2086
  weft central begin --database "$1" $tls "--ca-cert=$TLS/ca.crt" >&2
  authority=$TLS/ca.crt
  [ "$1" = northbound ] || [ ! -e "$TLS/clients.crt" ] || authority=$TLS/clients.crt
  # shellcheck disable=SC2086
  exec ovsdb-server "--config-file=/run/ovn/$1.json" "--unixctl=/run/ovn/$2.ctl" "--pidfile=/run/ovn/$2.pid" \
    $tls "--ca-cert=$authority" $logging
}

mkdir -p "$OVN_RUNDIR" "$OVS_RUNDIR"
# shellcheck disable=SC2086
case "${1:-}" in
  northbound) central northbound ovnnb_db ;;
  southbound) central southbound ovnsb_db ;;
  northd)
    exec ovn-northd "--ovnnb-db=$NORTHBOUND" "--ovnsb-db=$SOUTHBOUND" --pidfile $tls "--ca-cert=$TLS/ca.crt" $logging
    ;;
  vswitch-database)
    file=$OVS_DBDIR/conf.db
    if [ ! -e "$file" ]; then
      ovsdb-tool create "$file.new" /usr/share/openvswitch/vswitch.ovsschema
      ovsdb-tool transact "$file.new" '["Open_vSwitch",{"op":"insert","table":"Open_vSwitch","row":{}}]' >&2
      mv "$file.new" "$file"
    fi
    exec ovsdb-server "$file" "--remote=punix:$vswitch" --pidfile $logging
    ;;
  vswitchd)
    await "$vswitch"
    forget_last_boot
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
