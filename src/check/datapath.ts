// Checks whether this node can move packets: kernel, modules, versions of Open vSwitch and OVN, room in a frame.

import { podMtuBytes } from "../model/mtu.ts";
import { onNode } from "../model/names.ts";
import { familyTrouble } from "../node/host/families.ts";
import { type Finding, fine } from "./finding.ts";
import type { NodeFacts } from "./nodeFacts.ts";
import type { NodeIntent } from "./nodeIntent.ts";

/** check_pkt_len, by which OVN tells senders that a packet is too large, came with Linux 5.2 (ovs-actions(7)). */
const leastKernel = [5, 2] as const;
/** The oldest that Weft has been tried on. */
const leastSwitch = [3, 1] as const;
const leastOvn = [23, 3] as const;

const isUserspace = ({ openVSwitch }: NodeFacts): boolean =>
  !("away" in openVSwitch) && (openVSwitch.bridge?.userspace ?? false);

export function datapathFindings(facts: NodeFacts, { mode }: NodeIntent): readonly Finding[] {
  if (isUserspace(facts)) {
    return [
      fine(
        "packets go through Open vSwitch's userspace datapath",
        `${onNode.externalBridge}, datapath_type=netdev`,
      ),
    ];
  }
  const needed = mode === "overlay" ? ["openvswitch", "geneve"] : ["openvswitch"];
  const missing = needed.filter((module) => !facts.modules.has(module));
  const kernel: readonly Finding[] = isAtLeast(facts.kernel, leastKernel)
    ? [fine(`Linux ${facts.kernel}`, "uname -r")]
    : [
        {
          severity: "refusal",
          what: `Linux ${facts.kernel} is older than ${leastKernel.join(".")}`,
          where: "uname -r",
          why: "its openvswitch module cannot measure packets (check_pkt_len), so large ones to the outside are lost silently",
          mend: "install a newer kernel and reboot the node",
        },
      ];
  if (missing.length === 0)
    return [...kernel, fine(`the kernel has ${needed.join(", ")}`, `/lib/modules/${facts.kernel}`)];
  return [
    ...kernel,
    {
      severity: "refusal",
      what: `the kernel has no module ${missing.join(", ")}`,
      where: `/lib/modules/${facts.kernel}`,
      why: "the kernel datapath of Open vSwitch forwards the packets",
      mend: `modprobe ${missing.join("; modprobe ")}; if there is none, install the distribution's package of further modules (linux-modules-extra-${facts.kernel}, kernel-modules-extra)`,
    },
  ];
}

export function versionFindings({ openVSwitch, ovn }: NodeFacts, { mode }: NodeIntent): readonly Finding[] {
  return [
    "away" in openVSwitch
      ? {
          severity: "warning" as const,
          what: "Open vSwitch does not answer",
          where: openVSwitch.away,
          why: "it forwards the packets; before an install this is normal if the chart brings it",
          mend: "if the node should have its own: apt-get install openvswitch-switch; systemctl enable --now openvswitch-switch",
        }
      : versionFinding("Open vSwitch", openVSwitch.version, leastSwitch),
    ...(mode === "underlay"
      ? []
      : ovn === undefined
        ? [
            {
              severity: "warning" as const,
              what: "this node has no ovn-controller of its own",
              where: "PATH",
              why: "in overlay mode ovn-controller runs on each node: from a package, or in a container of the chart",
              mend: "nothing if the chart brings it; otherwise apt-get install ovn-host (Debian), dnf install ovn-host (Fedora)",
            },
          ]
        : [versionFinding("OVN", ovn, leastOvn)]),
  ];
}

function versionFinding(name: string, version: string, least: readonly [number, number]): Finding {
  const number = `${least[0]}.${String(least[1]).padStart(name === "OVN" ? 2 : 1, "0")}`;
  if (isAtLeast(version, least)) return fine(`${name} ${version}`, "its control socket");
  return {
    severity: "warning",
    what: `${name} ${version || "of an unknown version"} is older than ${number}`,
    where: "its control socket",
    why: `Weft has been tried with ${number} and later`,
    mend: `install ${name} ${number} or later`,
  };
}

/** Whether `version` begins with numbers that are at least these. */
export function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, first, second] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(first) > major || (Number(first) === major && Number(second) >= minor);
}

/** Before the bridge exists, the device of the default route will be the uplink. */
export function mtuFindings(facts: NodeFacts, { mode, network }: NodeIntent): readonly Finding[] {
  const { host, hasIpv6 } = facts;
  const [route] = [...host.routes4, ...host.routes6].filter(({ dev }) => dev !== undefined);
  const link = host.links.find(({ ifname }) => ifname === route?.dev);
  if (!link?.mtu) {
    return [
      {
        severity: "warning",
        what: "there is no default route",
        where: "ip route",
        why: "pods reach only the node's own network, and the uplink is recognised by that route",
        mend: "ip route add default via GATEWAY",
      },
    ];
  }
  const podBytes = mode === "overlay" ? podMtuBytes(link.mtu, 4) : link.mtu;
  const means = { hasIpv6, uplink: link.ifname, linkBytes: link.mtu, podBytes };
  const trouble = familyTrouble(
    network.pods.map(({ cidr }) => cidr),
    means,
  );
  if (trouble === undefined) return [fine(`MTU ${link.mtu}, which leaves ${podBytes} for pods`, link.ifname)];
  const [what = "", mend = ""] = trouble.split(/: (?=raise|start)/);
  return [
    {
      severity: "refusal",
      what,
      where: link.ifname,
      why: "pods of that family would have no network, and the agent does not start them",
      mend,
    },
  ];
}
