// How many flows policies are: OpenFlow flows on a chassis that carries pods which they select and on one that carries none,
// and logical flows. Nothing is timed.

import { type Bench, type Figure } from "../figure.ts";
import { settled } from "../wiring/databases.ts";
import { PolicyBed } from "./policyBed.ts";

const counts = [100, 1_000];
/** Pods that the policies select, all on the first of two nodes. */
const others = 10;

export const policyFlowsBench: Bench = {
  name: "policy-flows",
  about: `flows of ${counts.join(" and ")} policies, each with two rules, one port of its own and one selected pod of ${others}`,
  async run(progress) {
    await using bed = await PolicyBed.up("benchpflows", 2, others, progress);
    const figures: Figure[] = [];
    const before = await countFlows(bed);
    let first = 0;
    for (const count of counts) {
      await bed.addPolicies(first, count - first, specOf);
      first = count;
      const now = await countFlows(bed);
      progress(`${count} policies: ${JSON.stringify({ before, now })}`);
      for (const [of, name] of Object.entries(names) as readonly [keyof Flows, string][])
        figures.push({
          name: `${name}, for each of ${count} policies`,
          unit: "flows",
          value: (now[of] - before[of]) / count,
        });
    }
    return figures;
  },
};

interface Flows {
  readonly near: number;
  readonly far: number;
  readonly logical: number;
}

const names: Readonly<Record<keyof Flows, string>> = {
  near: "OpenFlow flows on the chassis of its pod",
  far: "OpenFlow flows on another chassis",
  logical: "logical flows",
};

/** No two select or allow alike, so that no flow serves two of them. */
const specOf = (index: number): object => ({
  podSelector: {
    matchLabels: { app: `other-${index % others}` },
    matchExpressions: [{ key: "none", operator: "NotIn", values: [`${index}`] }],
  },
  policyTypes: ["Ingress", "Egress"],
  ingress: [
    { from: [{ podSelector: { matchLabels: { app: "speaker" } } }], ports: [{ port: 10_000 + index }] },
  ],
  egress: [
    {
      to: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.99.0.0/16"] } }],
      ports: [{ port: 20_000 + index }],
    },
  ],
});

async function countFlows({ sandbox }: PolicyBed): Promise<Flows> {
  await settled(sandbox);
  const onChassis = async (node: string): Promise<number> => {
    const aggregate = await sandbox.host(node).exec(["ovs-ofctl", "dump-aggregate", "br-int"]);
    return Number(/flow_count=(\d+)/.exec(aggregate)?.[1]);
  };
  const args = ["ovn-sbctl", "--bare", "--columns=_uuid", "--no-leader-only", "list", "Logical_Flow"];
  const rows = await sandbox.central.exec(args, { timeoutMs: 60_000 });
  return {
    near: await onChassis("n1"),
    far: await onChassis("n2"),
    logical: rows.split("\n").filter((line) => line !== "").length,
  };
}
