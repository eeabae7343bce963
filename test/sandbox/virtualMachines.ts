// What a cloud does with virtual machines. Here these are namespaces whose network card is a veth.

import type { Sandbox } from "../../sandbox/sandbox.ts";
import { onNode } from "../../src/model/names.ts";

/**
 * Moves a node's virtual machine to another hypervisor, as a live migration does. Resolves when its port is carried
 * there.
 */
export async function moveNode(sandbox: Sandbox, node: string, from: string, to: string): Promise<void> {
  const vif = sandbox.layout.tenant?.vifs.find(({ host }) => host.name === node);
  if (!vif) throw new Error(`no virtual machine ${node}`);
  const { port, logicalPort } = vif;
  const [here, there] = [sandbox.host(from), sandbox.host(to)];
  await here.exec(["ovs-vsctl", "--if-exists", "del-port", onNode.integrationBridge, port]);
  await here.exec(["ip", "link", "set", port, "netns", there.host.netns]);
  await there.exec(["ip", "link", "set", port, "addrgenmode", "none", "up"]);
  await there.exec([
    ...["ovs-vsctl", "--may-exist", "add-port", onNode.integrationBridge, port],
    ...["--", "set", "Interface", port, `external_ids:iface-id=${logicalPort}`],
  ]);
  await there.exec([
    ...["ovs-vsctl", "--timeout=20", "wait-until", "Interface", port],
    "external_ids:ovn-installed=true",
  ]);
  await sandbox.central.exec(["ovn-nbctl", "--timeout=20", "--wait=hv", "sync"]);
}
