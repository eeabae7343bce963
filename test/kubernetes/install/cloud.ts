// The cloud that the nodes of an underlay are in, as its operator opens it to the cluster's controllers: OVN's databases take
// TLS with certificates of an authority of their own, and the virtual machines reach them. The machine with the databases has
// another address, among the tenant's physical machines, and so the way there is by the tenant's router.

import { join } from "node:path";
import type { Tenant } from "../../../sandbox/cloud/tenant.ts";
import { machineNetwork, vmNetwork } from "../../../sandbox/cloud/tenant.ts";
import { uplink } from "../../../sandbox/fabric/fabric.ts";
import { addressesIn, plainAddress } from "../../../sandbox/host.ts";
import type { Layout } from "../../../sandbox/layout.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { issue, makeAuthority } from "../cluster/pki.ts";

/** Its number in the network of machines. */
const centralNumber = 2;
const routerNumber = 1;
const authority = "cloud-ca";
const [databases, client] = ["cloud-databases", "cloud-client"];
const inactivityProbe = "--inactivity-probe=180000";

const inBrackets = (address: string): string => (address.includes(":") ? `[${address}]` : address);

const centralAddresses = ({ families }: Layout): readonly string[] =>
  addressesIn(machineNetwork, families, centralNumber);

/** A cloud may have several clusters; in overlay mode it is the chart's default. */
export const clusterIdOf = ({ name, tenant }: Layout): string => (tenant ? name : "weft");

/** What the cloud's operator tells whoever installs Weft in it. */
export function cloudValues(layout: Layout, { router }: Tenant) {
  const [address = ""] = centralAddresses(layout).map(plainAddress).map(inBrackets);
  const at = (port: number): readonly string[] => [`ssl:${address}:${port}`];
  return {
    mode: "underlay",
    clusterId: clusterIdOf(layout),
    cloud: { router, northbound: at(6641), southbound: at(6642) },
  } as const;
}

/** Opens the databases. Can be repeated. */
export async function openCloud({ sandbox, places }: Cluster): Promise<void> {
  const { layout, central } = sandbox;
  const { pki } = places;
  const addresses = centralAddresses(layout);
  const file = (name: string): string => join(pki, name);
  await makeAuthority(pki, authority);
  const names = addresses.map(plainAddress);
  await issue(pki, { name: databases, subject: "/CN=cloud", authority, names });
  await issue(pki, { name: client, subject: "/CN=weft", authority });
  for (const address of addresses)
    await central.exec([
      ...["ip", "address", "replace", address, "dev", uplink],
      ...(address.includes(":") ? ["nodad"] : []),
    ]);
  const routers = addressesIn(machineNetwork, layout.families, routerNumber).map(plainAddress);
  for (const [index, network] of addressesIn(vmNetwork, layout.families, 0).entries())
    await central.exec(["ip", "route", "replace", network, "via", routers[index] ?? ""]);
  const [tls = ""] = names.map(inBrackets);
  const [plain = ""] = layout.central.addresses.map(plainAddress).map(inBrackets);
  for (const [program, port] of [
    ["ovn-nbctl", 6641],
    ["ovn-sbctl", 6642],
  ] as const) {
    await central.exec([
      ...[program, "set-ssl", file(`${databases}.key`), file(`${databases}.crt`), file(`${authority}.crt`)],
      ...["--", inactivityProbe, "set-connection", `ptcp:${port}:${plain}`, `pssl:${port}:${tls}`],
    ]);
  }
}

/** Makes the Secret that the chart wants, of what the operator gave. */
export async function giveCertificate(cluster: Cluster): Promise<void> {
  const file = (name: string): string => join(cluster.places.pki, name);
  const manifest = await cluster.kubectl([
    ...[
      "create",
      "secret",
      "generic",
      "weft-cloud-tls",
      "-n",
      "kube-system",
      "--dry-run=client",
      "-o",
      "yaml",
    ],
    `--from-file=tls.crt=${file(`${client}.crt`)}`,
    `--from-file=tls.key=${file(`${client}.key`)}`,
    `--from-file=ca.crt=${file(`${authority}.crt`)}`,
  ]);
  await cluster.apply(manifest);
}
