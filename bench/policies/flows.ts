// How many flows policies are: OpenFlow flows on the chassis that carries the pods which they select, and logical flows.

import { type Figure } from "../figure.ts";
import { settled } from "../wiring/databases.ts";
import type { PolicyBed } from "./policyBed.ts";

/** Policies are added until there are as many as each of `counts` says. Each selects one pod, and has two rules. */
export async function flowFigures(
  bed: PolicyBed,
  where: string,
  counts: readonly number[],
  progress: (line: string) => void,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  const before = await countFlows(bed);
  let first = 0;
  for (const count of counts) {
    await bed.addPolicies(first, count - first, specOf);
    first = count;
    const now = await countFlows(bed);
    progress(`${count} policies, ${where}: ${JSON.stringify({ before, now })}`);
    const figure = (name: string, of: keyof Flows): Figure => ({
      name: `${name} for each of ${count} policies, ${where}`,
      unit: "flows",
      value: (now[of] - before[of]) / count,
    });
    figures.push(
      figure("OpenFlow flows on a chassis with its pod", "onChassis"),
      figure("logical flows", "logical"),
    );
  }
  return figures;
}

interface Flows {
  readonly onChassis: number;
  readonly logical: number;
}

/** No two select alike. */
const specOf = (index: number): object => ({
  podSelector: {
    matchLabels: { app: `other-${index % 10}` },
    matchExpressions: [{ key: "none", operator: "NotIn", values: [`${index}`] }],
  },
  policyTypes: ["Ingress", "Egress"],
  ingress: [{ from: [{ podSelector: { matchLabels: { app: "speaker" } } }], ports: [{ port: 8080 }] }],
  egress: [{ to: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.99.0.0/16"] } }] }],
});

async function countFlows(bed: PolicyBed): Promise<Flows> {
  const { sandbox } = bed;
  await settled(sandbox);
  const aggregate = await sandbox.host("n1").exec(["ovs-ofctl", "dump-aggregate", "br-int"]);
  const onChassis = Number(/flow_count=(\d+)/.exec(aggregate)?.[1]);
  const args = ["ovn-sbctl", "--bare", "--columns=_uuid", "--no-leader-only", "list", "Logical_Flow"];
  const rows = await sandbox.central.exec(args, { timeoutMs: 60_000 });
  return { onChassis, logical: rows.split("\n").filter((line) => line !== "").length };
}
