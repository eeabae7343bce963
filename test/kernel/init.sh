#!/busybox sh
# The first program of the virtual machine (see image.ts). It changes over to the machine's own disk, which it may only
# read; what is written there stays in memory and goes with the virtual machine. From the kernel's command line come
# weft_modules, weft_directory and weft_guest: where the kernel's modules are, where to be, and what to run.

export PATH=/
for name in mount mkdir insmod switch_root poweroff ln cat sh; do /busybox ln -s /busybox /$name; done
mkdir -p /proc /dev /lower /written /root
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod "$module" || exec poweroff -f; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro disk /lower || exec poweroff -f
mount -t tmpfs -o mode=755 written /written
mkdir -p /written/upper /written/work
mount -t overlay -o lowerdir=/lower,upperdir=/written/upper,workdir=/written/work overlay /root || exec poweroff -f
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -t devtmpfs dev /root/dev
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts -o ptmxmode=666 devpts /root/dev/pts
for path in dev/shm run tmp; do mount -t tmpfs -o mode=1777 tmpfs /root/$path; done
mount -t cgroup2 cgroup /root/sys/fs/cgroup
mkdir -p /root/usr/lib/modules
/busybox rm -rf "/root/usr/lib/modules/$(/busybox uname -r)"
ln -s "$weft_modules" "/root/usr/lib/modules/$(/busybox uname -r)"
cd /root
# The shell stays the first process: it waits for those whose parents are gone, and Node would not.
exec switch_root /root /bin/sh -c "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
cd $weft_directory; ulimit -n 65536
$weft_guest
sync; echo o > /proc/sysrq-trigger; sleep 60"
