// What the node has lost of its way to the outside: an address of one family on the external bridge, or a default route
// through it. Pods go on without it, but cannot reach everything they could before, so the loss is reported. A node
// that never had it, in a cluster without a way out, is as it should be. What an earlier agent saw is in the Node's
// annotations or its condition.

import { gatewayConfigOf } from "../../kube/annotations.ts";
import type { Log } from "../../kube/clock.ts";
import type { ConditionText, Node } from "../../kube/objects.ts";
import { type Family, formatCidr, formatIp } from "../../model/ip.ts";
import { onNode } from "../../model/names.ts";
import type { GatewayConfig } from "../../model/network.ts";

export interface Outside {
  readonly node: Node | undefined;
  readonly gateway: GatewayConfig;
  /** The families of the node's pods. */
  readonly families: readonly Family[];
}

type Thing = "address" | "route";
const reasons = { address: "AddressLost", route: "DefaultRouteLost" } as const;

const bridge = onNode.externalBridge;

const texts: Readonly<Record<Thing, (family: Family, former: string) => ConditionText>> = {
  address: (family, former) => ({
    reason: reasons.address,
    message: `${bridge} has no IPv${family} address any more${former}: pods do not reach the outside over IPv${family}`,
  }),
  route: (family, former) => ({
    reason: reasons.route,
    message: `there is no IPv${family} default route through ${bridge} any more${former}: pods reach only the network of ${bridge} over IPv${family}`,
  }),
};

export class Losses {
  readonly #log: Log;
  readonly #changed: () => void;
  /** What the node had, by thing and family: `route4` -> `172.30.0.1` */
  readonly #had = new Map<string, string>();
  #problem: ConditionText | undefined;

  constructor(log: Log, changed: () => void) {
    this.#log = log;
    this.#changed = changed;
  }

  /** What is lost; undefined when nothing is. */
  readonly problem = (): ConditionText | undefined => this.#problem;

  readonly look = ({ node, gateway, families }: Outside): void => {
    this.#remember(node && gatewayConfigOf(node));
    this.#remember(gateway);
    const lost = families.flatMap((family) => {
      const has = (thing: Thing): boolean => entriesOf(gateway, family, thing).length > 0;
      // The host's routing need not lead pods through the bridge.
      const isRouted = gateway.throughHost === true || has("route");
      const thing = !has("address") ? "address" : isRouted ? undefined : "route";
      if (!thing) return [];
      const former = this.#had.get(`${thing}${family}`);
      if (former === undefined && !isLoss(node?.networkDegraded)) return [];
      return [texts[thing](family, former === undefined ? "" : ` (it was ${former})`)];
    });
    const [first] = lost;
    const problem = first && { ...first, message: lost.map(({ message }) => message).join("; ") };
    if (problem?.message === this.#problem?.message) return;
    this.#problem = problem;
    if (problem) this.#log("warn", problem.message, {});
    this.#changed();
  };

  #remember(gateway: GatewayConfig | undefined): void {
    if (!gateway) return;
    for (const family of [4, 6] as const)
      for (const thing of ["address", "route"] as const) {
        const entries = entriesOf(gateway, family, thing);
        if (entries.length > 0) this.#had.set(`${thing}${family}`, entries.join(", "));
      }
  }
}

/** The condition may be about something else. */
const isLoss = (said: ConditionText | undefined): boolean =>
  Object.values(reasons).some((reason) => reason === said?.reason);

const entriesOf = (
  { addresses, nextHops }: GatewayConfig,
  family: Family,
  thing: Thing,
): readonly string[] =>
  thing === "address"
    ? addresses.filter(({ ip }) => ip.family === family).map(formatCidr)
    : nextHops.filter((ip) => ip.family === family).map(formatIp);
