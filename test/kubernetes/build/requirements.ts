// What a Kubernetes cluster on this machine needs of Debian, beside what a sandbox needs: runc, and the programs that go
// into images.

/** program -> Debian packages, with blanks between them */
export const kubernetesPrograms: ReadonlyMap<string, string> = new Map([
  ["runc", "runc"],
  ["busybox", "busybox-static"],
  ["bash", "bash"],
  ["sh", "dash"],
  ["curl", "curl"],
  ["dig", "bind9-dnsutils"],
  ["host", "bind9-host"],
  ["nslookup", "bind9-dnsutils"],
  ["getent", "libc-bin"],
  ["iperf", "iperf"],
  ["nc", "netcat-openbsd"],
  ["socat", "socat"],
  ["wget", "wget"],
]);
