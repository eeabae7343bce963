// What the image is made of. The root file system is cut from Debian 13's packages, without what only a machine needs:
// manuals, systemd units, Python. Copyright files stay, because licenses ask for them.

/** Of Debian. */
export const release = "trixie";

/** The packages that are named; the libraries that they are linked with come along. */
export const packages = [
  ...["ovn-central", "ovn-host", "openvswitch-switch"],
  // What the agent and the start script run: sh, cat, ip, nft, conntrack, ethtool, nsenter, unshare and flock, sysctl, ss, ping,
  // modprobe.
  ...["dash", "coreutils", "iproute2", "nftables", "conntrack", "ethtool", "util-linux", "procps"],
  ...["iputils-ping", "kmod"],
  // What Node is linked with, beside libc.
  ...["libstdc++6", "libgcc-s1"],
] as const;

/** The files of the packages that stay, as globs from the root. */
export const kept = [
  "usr/bin/ov*",
  "usr/sbin/ov*",
  "usr/lib/openvswitch-switch/ov*",
  "{usr/lib,lib}/x86_64-linux-gnu/**/*.so*",
  "usr/lib64/*.so*",
  "usr/share/{ovn,openvswitch}/*.ovsschema",
  "usr/share/doc/*/copyright",
  ...["dash", "ip", "ss", "nsenter", "unshare", "flock", "ethtool", "ping", "kmod"].map(
    (name) => `usr/bin/${name}`,
  ),
  ...["cat", "mkdir", "ls", "rm", "chmod", "sleep", "id", "env", "mv", "tail", "cut"].map(
    (name) => `usr/bin/${name}`,
  ),
  "usr/sbin/{nft,conntrack,ethtool,sysctl,modprobe,ip}",
] as const;

/** link in the image ▶ what it leads to. Debian's are made by maintainer scripts, none of which runs here. */
export const links: Readonly<Record<string, string>> = {
  bin: "usr/bin",
  sbin: "usr/sbin",
  lib: "usr/lib",
  lib64: "usr/lib64",
  "var/run": "/run",
  "usr/bin/sh": "dash",
  "usr/sbin/modprobe": "../bin/kmod",
  "usr/sbin/ovs-vswitchd": "../lib/openvswitch-switch/ovs-vswitchd",
};

/** Folders that are mounted over or written to. */
export const folders = ["dev", "proc", "sys", "tmp", "run", "root", "var/lib/ovn", "var/lib/openvswitch"];

export const texts: Readonly<Record<string, string>> = {
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
  "etc/group": "root:x:0:\nnogroup:x:65534:\n",
  "etc/nsswitch.conf": "hosts: files dns\n",
};

/** Searched by every program of the image. */
export const searchPath = "/usr/sbin:/usr/bin";

export const entrypoint: readonly string[] = ["weft"];
