#!/bin/sh
# What a node sees of the disk: its own folders at the default paths of kubelet, containerd and network plugins, so that all programs
# run there as on a machine of their own. Run once, inside the node's new mount namespace.
#
#     mounts.sh DIRECTORY OVS OVN     the node's directory, and where its Open vSwitch and OVN have their sockets
set -eu
directory=$1
mount --make-rprivate /

# A folder that this machine did not have is written down, to be removed when the cluster goes. Another node may be making
# it just now.
folder() { if mkdir "$1" 2>/dev/null; then echo "$1" >> "$directory/made"; else [ -d "$1" ]; fi; }
at() { folder "$2"; mkdir -p "$1"; mount --bind "$1" "$2"; }
own() { at "$directory/root$1" "$1"; }
empty() { folder "$1"; mount -t tmpfs -o mode=0755 weft "$1"; }

for path in /etc/cni /etc/kubernetes /opt/cni /var/log/pods /var/log/containers /var/lib/kubelet /var/lib/containerd \
  /var/lib/weft /var/lib/openvswitch /var/lib/cni /var/lib/etcd; do own "$path"; done
at "$2" /run/openvswitch
at "$3" /run/ovn
for path in /run/containerd /run/netns /run/weft /run/flannel; do empty "$path"; done
mkdir -p /etc/cni/net.d /opt/cni/bin

# The kubelet sets these, and they are the whole machine's. It leaves alone what already has the value that it wants.
setting() { mkdir -p "$directory/sysctl"; file=$directory/sysctl/$(echo "$1" | tr / .); echo "$2" > "$file"; mount --bind "$file" "/proc/sys/$1"; }
setting vm/overcommit_memory 1
setting vm/panic_on_oom 0
setting kernel/panic 10
setting kernel/panic_on_oops 1
setting kernel/keys/root_maxkeys 1000000
setting kernel/keys/root_maxbytes 25000000

# Pods' volumes travel between mounts of one node (mount propagation), never to another.
mount --make-rshared /
