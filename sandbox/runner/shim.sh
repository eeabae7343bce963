#!/bin/sh
# The parent of one container: shim.sh DIRECTORY ETC HOSTNAME COMMAND [ARG]...
# It outlives the runner, and writes its own pid and later the container's exit code into DIRECTORY, which is how a new
# runner finds and adopts the container. The runner starts it with fresh pid and uts namespaces. Its first child is pid 1 of
# the pid namespace: the container, as in Docker, which therefore ignores TERM unless it has a handler. After that child
# only builtins are used: once pid 1 of a namespace is gone, no other process can be started in it.
directory=$1 etc=$2 hostname=$3
shift 3
echo $$ >"$directory/pid"
(
  echo "$hostname" >/proc/sys/kernel/hostname
  # Slave propagation: namespaces that are deleted later must vanish from this mount namespace too.
  exec unshare --mount --propagation slave "${0%/*}/rootfs.sh" "$directory" "$etc" "$@"
)
echo $? >"$directory/exit"
