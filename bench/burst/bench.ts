// A hundred pods at once over three nodes, from the first Pod object to the last of them answering a ping from a pod
// that was there before. Bare wires the same number the same way, so many at once, without Kubernetes and Weft.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inNetns } from "../../sandbox/fabric/netns.ts";
import { run } from "../../sandbox/process/run.ts";
import { upSandbox } from "../../sandbox/up.ts";
import { type Bench, compared } from "../figure.ts";
import { inTurn, Side } from "../inTurn.ts";
import { type BenchPod, BenchRuntime } from "../wiring/runtime.ts";

const pods = 100;
const turns = { fewest: 3, most: 7 };
/** As many as a node's runtime has in hand. */
const atOncePerNode = 10;
const reachable = readFileSync(join(import.meta.dirname, "../wiring/reach.pl"), "utf8");

export const burstBench: Bench = {
  name: "burst",
  about: `${pods} pods at once over 3 nodes until all answer, Weft and bare in turn, ${turns.fewest} to ${turns.most} times`,
  async run(progress) {
    await using sandbox = await upSandbox({ name: "benchburst", nodes: 3, progress });
    await using runtime = await BenchRuntime.on(sandbox);
    const witness = await firstPod(runtime);
    const side = (name: string, way: Way): Side =>
      new Side(async (round) => {
        const seconds = await burst(runtime, witness, `${name.toLowerCase()}${round}`, way);
        progress(`round ${round + 1}: ${name} ${seconds.toFixed(2)} s`);
        return [seconds];
      });
    const [weft, bare] = [side("Weft", ofWeft(runtime)), side("bare", bareWay(runtime))];
    await inTurn([[weft, bare]], turns);
    return [
      compared({
        name: `burst of ${pods} pods, all reachable, p50`,
        unit: "s",
        own: weft,
        limit: { name: "bare", side: bare },
        aim: 1.5,
      }),
    ];
  },
};

/** One way to bring a pod up and to take it away. */
interface Way {
  /** Resolves with the pod's addresses. */
  readonly up: (pod: BenchPod, index: number) => Promise<readonly string[]>;
  readonly down: (pod: BenchPod) => Promise<void>;
}

function ofWeft(runtime: BenchRuntime): Way {
  const uids = new Map<BenchPod, string>();
  return {
    up: async (pod) => {
      const uid = await runtime.createPod(pod);
      uids.set(pod, uid);
      return runtime.add(pod, uid);
    },
    down: async (pod) => {
      await runtime.del(pod, uids.get(pod) ?? "");
      await runtime.deletePod(pod);
    },
  };
}

const bareWay = (runtime: BenchRuntime): Way => ({
  up: (pod, index) => runtime.addBare(pod, index),
  down: (pod) => runtime.delBare(pod),
});

/** Seconds until all pods of the burst answer. */
async function burst(runtime: BenchRuntime, witness: BenchPod, name: string, way: Way): Promise<number> {
  const nodes = runtime.sandbox.layout.nodeHosts;
  const made = await Promise.all(
    Array.from({ length: pods }, (_, index) => {
      const node = nodes[index % nodes.length];
      if (!node) throw new Error("a sandbox without nodes");
      return runtime.namespaceFor(node, `${name}-${index}`);
    }),
  );
  const start = performance.now();
  const byNode = [...Map.groupBy(made, (pod) => pod.node).values()];
  const addresses = await Promise.all(byNode.map((all) => inHand(all, way.up)));
  const input = addresses
    .flat(2)
    .filter((address) => !address.includes(":"))
    .map((address) => `${address}\n`);
  await run(inNetns(witness.netns, ["perl", "-e", reachable, "60"]), {
    input: input.join(""),
    timeoutMs: 90_000,
  });
  const seconds = (performance.now() - start) / 1000;
  await Promise.all(byNode.map((all) => inHand(all, way.down)));
  for (const pod of made) await runtime.removeNamespace(pod);
  return seconds;
}

/** Does `work` to all, a few at a time. */
async function inHand<T, R>(
  all: readonly T[],
  work: (one: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const entries = all.entries();
  const hand = async (): Promise<void> => {
    for (const [index, one] of entries) results[index] = await work(one, index);
  };
  await Promise.all(Array.from({ length: atOncePerNode }, hand));
  return results;
}

async function firstPod(runtime: BenchRuntime): Promise<BenchPod> {
  const pod = await runtime.namespaceFor(runtime.firstNode, "witness");
  await runtime.add(pod, await runtime.createPod(pod));
  return pod;
}
