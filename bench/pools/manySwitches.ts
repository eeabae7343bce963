// A thousand other switches on a router, as if there were that many more nodes: each with a subnet, twenty ports and a
// port of the router. No chassis has any of their ports, but a chassis with any port of the router computes the flows
// of all.

import type { Sandbox } from "../../sandbox/sandbox.ts";
import { addressAt, type Cidr, formatIp, parseCidr } from "../../src/model/ip.ts";
import { macOf } from "../../src/model/mac.ts";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { Transaction } from "../../src/ovsdb/index.ts";
import { northboundOf, settled } from "../wiring/databases.ts";

export const many = { switches: 1000, portsOfEach: 20 } as const;
const switchesAtOnce = 100;

/** Resolves when every chassis has processed them. */
export async function addManySwitches(sandbox: Sandbox, router: string): Promise<void> {
  const args = ["ovn-nbctl", "--bare", "--columns=_uuid", "find", "Logical_Router", `name=${router}`];
  const routerUuid = (await sandbox.central.exec(args)).trim();
  await using session = await northboundOf(sandbox);
  for (let first = 0; first < many.switches; first += switchesAtOnce) {
    const tx = new Transaction(northbound);
    for (let index = first; index < first + switchesAtOnce; index++) addSwitch(tx, routerUuid, index);
    await session.transact(tx);
  }
  await settled(sandbox);
}

function addSwitch(tx: Transaction<NorthboundTables>, routerUuid: string, index: number): void {
  const subnet = subnetOf(index);
  const [name, routerPort] = [`other-${index}`, `router-other-${index}`];
  const gateway = addressAt(subnet, 1n);
  const uuids = { switch: crypto.randomUUID(), routerPort: crypto.randomUUID(), port: crypto.randomUUID() };
  const networks = [`${formatIp(gateway)}/${subnet.bits}`];
  tx.insert(
    "Logical_Router_Port",
    { name: routerPort, mac: macOf(gateway), networks },
    uuids.routerPort,
  ).mutateSet("Logical_Router", routerUuid, "ports", "insert", [uuids.routerPort]);
  const facing = { type: "router", addresses: ["router"], options: new Map([["router-port", routerPort]]) };
  tx.insert("Logical_Switch_Port", { name: `${name}-router`, ...facing }, uuids.port);
  const ports = Array.from({ length: many.portsOfEach }, (_, place) => {
    const ip = addressAt(subnet, BigInt(10 + place));
    const addresses = [`${macOf(ip)} ${formatIp(ip)}`];
    const uuid = crypto.randomUUID();
    tx.insert("Logical_Switch_Port", { name: `${name}-${place}`, addresses, port_security: addresses }, uuid);
    return uuid;
  });
  tx.insert("Logical_Switch", { name, ports: [uuids.port, ...ports] }, uuids.switch);
}

/** 10.128.0.0/24 and up, where no sandbox has anything. */
function subnetOf(index: number): Cidr {
  const text = `10.${128 + (index >> 8)}.${index & 255}.0/24`;
  const subnet = parseCidr(text);
  if (!subnet) throw new Error(`${text} is no subnet`);
  return subnet;
}
