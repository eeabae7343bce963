// Flows that the agent writes into a bridge, and how many of them there are. Open vSwitch tells nobody that flows were
// deleted, so they are counted (OFPMP_AGGREGATE), which costs little.

import type { Check } from "../nouns/check.ts";
import type { Run } from "./run.ts";

export interface OwnFlows {
  readonly bridge: string;
  /** The bridge's socket for ovs-ofctl. */
  readonly socket: string;
  readonly cookie: string;
}

/** Carries out `bundle`, which replaces all flows with this cookie. */
export async function writeFlows(
  run: Run,
  { bridge, socket, cookie }: OwnFlows,
  bundle: string,
): Promise<Check> {
  const count = (): Promise<number> => countFlows(run, socket, `cookie=${cookie}/-1`);
  const write = async (): Promise<number> => {
    await run(["ovs-ofctl", "-OOpenFlow14", "--bundle", "add-flows", socket, "-"], { stdin: bundle });
    return count();
  };
  const added = addedFlows(bundle);
  const first = await write();
  // Twice the same other number: Open vSwitch takes two of the bundle's texts for one flow. Otherwise somebody deletes flows.
  const written = first === added || (await write()) !== first ? added : first;
  return {
    reportedBy: "nobody",
    difference: async () => {
      return (await count()) === written
        ? undefined
        : `${bridge} does not have just the agent's ${written} flows`;
    },
  };
}

/** How many flows a bundle adds. Of several with the same match and priority, the last replaces the others. */
function addedFlows(bundle: string): number {
  const added = bundle.match(/^add .*(?=,actions=)/gm) ?? [];
  return new Set(added).size;
}

/** How many flows of a bridge match. Rejects when Open vSwitch does not answer. */
export async function countFlows(run: Run, socket: string, match: string): Promise<number> {
  const said = await run(["ovs-ofctl", "-OOpenFlow14", "dump-aggregate", socket, match], {
    timeoutMs: 5_000,
  });
  const [, count] = said.match(/flow_count=(\d+)/) ?? [];
  if (count === undefined)
    throw new Error(`ovs-ofctl dump-aggregate ${socket}: no flow_count in "${said.trim()}"`);
  return Number(count);
}

/** Makes a bridge that has no flow at all forward as a switch does again, as Open vSwitch makes a new one. */
export async function keepForwarding(run: Run, { bridge, socket }: Omit<OwnFlows, "cookie">): Promise<Check> {
  const isDead = async (): Promise<boolean> => (await countFlows(run, socket, "table=0")) === 0;
  if (await isDead())
    await run(["ovs-ofctl", "-OOpenFlow14", "add-flow", socket, "priority=0,actions=NORMAL"]);
  return {
    reportedBy: "nobody",
    difference: async () => ((await isDead()) ? `${bridge} has no flows, and forwards nothing` : undefined),
  };
}
