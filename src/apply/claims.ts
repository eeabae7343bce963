// Claims are what only one row can have: a port's addresses and name, its tag on the parent, a Service's address, a
// port of an address that several Services or pods share, a route. A row that the prune guard holds gives way to a
// wanted row with the same claim; otherwise the old row would answer in place of the new one. But a Service's port does
// not give way to a pod.

import type { ColumnValue } from "../model/fact.ts";
import { contains, parseIp } from "../model/ip.ts";
import { isForAllNodes } from "../model/names.ts";
import { type Owner, parseOwner } from "../model/owner.ts";
import { innerRange } from "../model/wayIn.ts";
import type { Row } from "../ovsdb/index.ts";

type ValueOf = (column: string) => Row[string] | ColumnValue | undefined;

const byTable: Readonly<Record<string, (value: ValueOf) => readonly string[]>> = {
  Load_Balancer: (value) => {
    const isShared = !isForAllNodes(textsOf(value("name")).join());
    return keysOf(value("vips")).flatMap((key) => claimsOfKey(key, value).slice(isShared ? 1 : 0));
  },
  Logical_Switch_Port: (value) => [
    `port ${textsOf(value("name")).join()}`,
    ...textsOf(value("addresses")).flatMap((text) =>
      text
        .split(" ")
        .slice(1)
        .map((address) => `address ${address}`),
    ),
    ...textsOf(value("tag_request")).map((tag) => `tag ${tag} on ${textsOf(value("parent_name")).join()}`),
  ],
  Logical_Router_Port: (value) => [
    `router port ${textsOf(value("name")).join()}`,
    ...textsOf(value("networks")).map((network) => `router address ${network.split("/")[0] ?? ""}`),
  ],
  // Only routes by source are on one router: those by destination are on every node's.
  Logical_Router_Static_Route: (value) =>
    textsOf(value("policy")).includes("src-ip") ? [`route from ${textsOf(value("ip_prefix")).join()}`] : [],
};

/** The claims of the row whose columns `value` reads. */
export const claims = (table: string, value: ValueOf): readonly string[] => byTable[table]?.(value) ?? [];

/**
 * What a virtual address of a row, `10.96.0.5:80` or `[fd00::5]:80`, may claim: the address, unless the way in has it, and its port. A
 * node's own address is in balancers of that node only, for one Service or pod beside another.
 */
export function claimsOfKey(key: string, value: ValueOf): readonly [address: string, port: string] {
  const address = key.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  const ip = parseIp(address);
  const isWayIn = ip !== undefined && contains(innerRange(ip.family), ip);
  const port = `${textsOf(value("protocol")).join()} ${key}`;
  return [isWayIn ? port : `service ${address}`, port];
}

/**
 * Whether the holder of a claim gives way to `claimant`. Addresses, names, tags and node ports are never given out
 * twice, so a second claim proves that the first is over. Host ports are not given out: any pod may ask for the number
 * of a Service's node port, and does not get it (model/hostPort.ts).
 */
export const givesWay = (holder: Owner | undefined, claimant: Owner): boolean =>
  holder === undefined || parseOwner(holder).kind !== "service" || parseOwner(claimant).kind !== "pod";

const keysOf = (value: ReturnType<ValueOf>): readonly string[] =>
  value instanceof Map ? [...value.keys()].map(String) : [];

function textsOf(value: ReturnType<ValueOf>): readonly string[] {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === "object" || value === undefined ? [] : [String(value)];
}
