// What a node's network is right after it boots: its addresses on its card, and nothing else.

import { uplink } from "../../../sandbox/fabric/fabric.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { NodePlaces } from "../cluster/places.ts";

/** Open vSwitch's own interface stays: whoever runs Open vSwitch has it. */
const forget = `
set -e
nft flush ruleset
ip -o link show | sed -n 's/^[0-9]*: \\([^:@]*\\).*/\\1/p' | while read -r link; do
  case $link in lo | ${uplink} | ovs-*) ;; *) ip link delete "$link" 2>/dev/null || true ;; esac
done
ip -4 route flush dev ${uplink}
ip -6 route flush dev ${uplink} 2>/dev/null || true
ip address flush dev ${uplink} scope global
`;

/** Takes away links, routes and rules, and puts the addresses on the card. Whoever keeps a connection keeps it. */
export async function bareCard({ sandbox }: Cluster, { host }: NodePlaces): Promise<void> {
  const node = sandbox.host(host.name);
  await node.exec(["sh", "-c", forget]);
  const lines = [
    `link set ${uplink} up`,
    ...host.addresses.map(
      (address) => `address add ${address} dev ${uplink}${address.includes(":") ? " nodad" : ""}`,
    ),
    ...host.gateways.map((gateway) => `route add default via ${gateway} dev ${uplink}`),
  ];
  await node.exec(["ip", "-batch", "-"], { input: `${lines.join("\n")}\n` });
  // The other end may be a userspace datapath, which does not complete checksums.
  await node.exec(["ethtool", "-K", uplink, "tx", "off"]);
}
