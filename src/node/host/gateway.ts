// How this node reaches the outside, read from the external bridge that its administrator set up: the uplink is a
// port of the bridge, and the bridge itself has the node's addresses.

import * as v from "valibot";
import { type Family, parseInterfaceAddress, parseIp } from "../../model/ip.ts";
import { onNode } from "../../model/names.ts";
import { type GatewayConfig, ofFamily } from "../../model/network.ts";
import {
  attachmentKeys,
  bridgeNamed,
  type InterfaceRow,
  interfacesOf,
  type Vswitch,
} from "../ovs/vswitch.ts";
import type { Run } from "./run.ts";

const linkSchema = v.array(
  v.object({
    address: v.string(),
    addr_info: v.array(
      v.object({
        local: v.string(),
        prefixlen: v.number(),
        scope: v.string(),
        deprecated: v.optional(v.boolean()),
      }),
    ),
  }),
);
const routeSchema = v.array(v.object({ gateway: v.optional(v.string()), dev: v.optional(v.string()) }));

const families: readonly Family[] = [4, 6];

/** The bridge's ports, with their OpenFlow numbers. */
export interface ExternalPorts {
  readonly uplink: InterfaceRow;
  /** The port to br-int, which ovn-controller makes once OVN has an external switch for this node. */
  readonly patch: InterfaceRow | undefined;
}

/** Rejects when the bridge, its uplink or its address is missing, and says how to fix that. */
export async function readGateway(run: Run, uplink: InterfaceRow): Promise<GatewayConfig> {
  const bridge = onNode.externalBridge;
  const links = await run(["ip", "-json", "address", "show", "dev", bridge]);
  const [link] = v.parse(linkSchema, JSON.parse(links));
  const found = (link?.addr_info ?? [])
    .filter((info) => info.scope === "global" && info.deprecated !== true)
    .flatMap((info) => parseInterfaceAddress(`${info.local}/${info.prefixlen}`) ?? []);
  const addresses = families.flatMap((family) => ofFamily(found, family) ?? []);
  if (!link || addresses.length === 0) {
    throw new Error(`${bridge} has no address: move the node's address from ${uplink.name} to ${bridge}`);
  }
  const nextHops = await Promise.all(
    addresses.map(async ({ ip: { family } }) => {
      const routes = await run(["ip", "-json", `-${family}`, "route", "show", "default", "dev", bridge]);
      const [route] = v.parse(routeSchema, JSON.parse(routes));
      return parseIp(route?.gateway ?? "") ?? [];
    }),
  );
  return { mac: link.address, addresses, nextHops: nextHops.flat(), mtuBytes: Number(uplink.mtu ?? 1500) };
}

/**
 * `localnetPort`, given in overlay mode, is the OVN port that stands for the physical network. Throws when there is
 * no external bridge, or when it does not have exactly one uplink.
 */
export function externalPorts(db: Vswitch, localnetPort?: string): ExternalPorts {
  const name = onNode.externalBridge;
  const bridge = bridgeNamed(db, name);
  if (!bridge) {
    throw new Error(`Open vSwitch has no bridge ${name}: make it, with the node's uplink and address on it`);
  }
  const interfaces = interfacesOf(db, bridge.ports);
  // In underlay mode the pods' ports are on this bridge too.
  const uplinks = interfaces.filter(
    ({ type, external_ids: ids }) =>
      type !== "internal" && type !== "patch" && !ids.has(attachmentKeys.container),
  );
  const [uplink] = uplinks;
  if (!uplink || uplinks.length > 1) {
    const list = uplinks.map((row) => row.name).join(", ") || "none";
    throw new Error(`${name} needs exactly one uplink among its ports; it has: ${list}`);
  }
  // ovn-controller names it so (controller/patch.c).
  const patchName = `patch-${localnetPort}-to-${onNode.integrationBridge}`;
  return { uplink, patch: interfaces.find((row) => row.name === patchName) };
}
