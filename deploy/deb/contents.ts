// What the Debian package says of itself, and its files that are neither program nor unit.

/** Of /etc/weft: the units do nothing until these are there, so that an installed package changes nothing. */
const examples: Readonly<Record<string, readonly string[]>> = {
  controller: [
    "# Copy to /etc/weft/controller, then: systemctl enable --now weft-controller",
    "# Keys and kubeconfig must be readable for the user weft: chown root:weft, chmod 640.",
    "KUBECONFIG=/etc/weft/kubeconfig",
    'OPTIONS="--cluster shop --mode underlay --cloud-router shop-router \\',
    "  --northbound ssl:192.0.2.20:6641 --southbound ssl:192.0.2.20:6642 \\",
    "  --ca-cert /etc/weft/ca.crt --certificate /etc/weft/tls.crt --private-key /etc/weft/tls.key \\",
    '  --cluster-cidr 10.244.0.0/16 --service-cidr 10.96.0.0/12"',
  ],
  agent: [
    "# Copy to /etc/weft/agent, then: systemctl enable --now weft-agent",
    "KUBECONFIG=/etc/weft/kubeconfig",
    'OPTIONS="--cluster shop --mode underlay --cluster-cidr 10.244.0.0/16 --service-cidr 10.96.0.0/12"',
  ],
  uplink: [
    "# Try first what it would do: weft node uplink --dry-run --verify 192.0.2.10:6443",
    "# Then copy to /etc/weft/uplink, and: systemctl enable --now weft-transient-ports weft-uplink",
    'OPTIONS="--verify 192.0.2.10:6443"',
  ],
};

export const textFiles: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(examples).map(([name, lines]) => [
      `usr/share/doc/weft/examples/${name}`,
      `${lines.join("\n")}\n`,
    ]),
  ),
  "usr/lib/sysusers.d/weft.conf": 'u weft - "Weft controller" /nonexistent\n',
  // The young generation is as small as in a checkout (bin/weft).
  "usr/bin/weft": [
    "#!/bin/sh",
    "young=16",
    '[ "${1:-}" = agent ] && young=1',
    'exec /opt/weft/node --max-semi-space-size=$young /opt/weft/bundle/main.js "$@"',
    "",
  ].join("\n"),
};

/** Nothing is enabled and nothing started: that takes a configuration first. */
export const maintainerScripts: Readonly<Record<string, string>> = {
  postinst: [
    "#!/bin/sh",
    "set -e",
    "install -d -m 755 /etc/weft",
    "if command -v systemd-sysusers >/dev/null; then systemd-sysusers weft.conf; fi",
    "if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi",
    "",
  ].join("\n"),
  postrm: [
    "#!/bin/sh",
    "set -e",
    "if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi",
    'if [ "$1" = purge ]; then rm -rf /etc/weft; fi',
    "",
  ].join("\n"),
};

/** What the agent runs; a controller needs none of it. */
const recommended = ["openvswitch-switch", "iproute2", "nftables", "conntrack", "ethtool", "procps"];

export const controlText = (version: string, kibibytes: number): string =>
  [
    "Package: weft",
    `Version: ${version}`,
    "Architecture: amd64",
    "Maintainer: The Weft project",
    `Installed-Size: ${kibibytes}`,
    "Depends: libc6, libstdc++6",
    `Recommends: ${recommended.join(", ")}`,
    "Section: net",
    "Priority: optional",
    "Description: OVN networking for Kubernetes",
    " Controller and agent for machines that Kubernetes does not run itself on: the",
    " controller of an underlay cluster, and nodes whose agent is not a pod.",
    "",
  ].join("\n");
