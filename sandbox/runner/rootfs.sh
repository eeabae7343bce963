#!/bin/sh
# What a container sees of the disk: rootfs.sh DIRECTORY ETC COMMAND [ARG]...
# The machine's files, all read-only, with its own /tmp (DIRECTORY/tmp outside), /run and /dev/shm, and with /etc/hosts
# and /etc/resolv.conf from ETC. The script runs as pid 1 in a fresh mount namespace and becomes COMMAND. This keeps pods
# from changing the machine by mistake. It is not a security boundary: a pod's root is the machine's root.
set -e
directory=$1 etc=$2 home=$PWD
shift 2
project=$(cd "${0%/*}/../.." && pwd)
exec 3<"$etc/resolv.conf"
cd "$project" # and so it can still be reached when something else covers its path

# mount_setattr (the number is the same on all architectures): MOUNT_ATTR_RDONLY on everything mounted below /.
perl -e 'my ($root, $attributes) = ("/", pack "Q4", 1, 0, 0, 0);
  syscall(442, -100, $root, 0x8000, $attributes, 32) == 0
  or die "the disk cannot be made read-only for a pod (Linux 5.12 or later can): $!\n"'
mount -o bind "$etc/hosts" /etc/hosts
[ -h /etc/resolv.conf ] || mount -o bind "$etc/resolv.conf" /etc/resolv.conf
mount -o bind "$directory/tmp" /tmp
mount -o remount,bind,rw /etc/hosts
[ -h /etc/resolv.conf ] || mount -o remount,bind,rw /etc/resolv.conf
mount -o remount,bind,rw /tmp
mount -t tmpfs -o mode=755 tmpfs /run
case $project in
/tmp/* | /run/*) # the echo server is a part of it
  mkdir -p "$project"
  mount --no-canonicalize -o bind . "$project"
  ;;
esac
[ ! -d /dev/shm ] || mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t proc proc /proc
# With systemd-resolved this is a link into /run.
if [ -h /etc/resolv.conf ]; then
  target=$(readlink -m /etc/resolv.conf)
  mkdir -p "${target%/*}"
  cat <&3 >"$target"
fi
exec 3<&-
cd "$home"
exec "$@"
