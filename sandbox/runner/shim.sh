#!/bin/sh
# The parent of one container: shim.sh DIRECTORY ETC HOSTNAME COMMAND [ARG]...
# It outlives the runner, and writes its own pid and later the container's exit code into DIRECTORY, which is how a new
# runner finds and adopts the container. The runner starts it in fresh pid and uts namespaces, of which only the first
# child is in the pid namespace: the container is pid 1 there, as in Docker, and so it feels no TERM it has no handler
# for. Only builtins after that child: no other process can be made once pid 1 of a namespace is gone.
directory=$1 etc=$2 hostname=$3
shift 3
echo $$ >"$directory/pid"
(
  echo "$hostname" >/proc/sys/kernel/hostname
  # Slave propagation: namespaces that are deleted later must vanish from this mount namespace too.
  exec unshare --mount --propagation slave "${0%/*}/rootfs.sh" "$directory" "$etc" "$@"
)
echo $? >"$directory/exit"
