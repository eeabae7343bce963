// A hundred pods are born and half of them die, while controllers and agents are killed at random moments. Afterwards
// every pod is reachable and nothing is left of the dead ones. The seed is printed: WEFT_SEED repeats a run.

import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { suiteLimit } from "../real/suiteLimit.ts";
import { Cluster } from "./cluster.ts";
import { namespace, pod } from "./manifests.ts";
import { expectWhole } from "./wholeness.ts";

const nodes = ["n1", "n2", "n3"];
const rounds = 10;
const bornEachRound = 10;
const dyingEachRound = 5;
const seed = Number(process.env["WEFT_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Mulberry32: the same numbers for the same seed, evenly in 0 … 1. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

suite("controller and agents are killed while pods come and go", suiteLimit, () => {
  let cluster: Cluster;
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);

  before(async () => {
    cluster = await Cluster.up({ name: "testchurn", nodes: nodes.length });
    await cluster.apply(namespace("churn"));
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test(`every pod works and nothing is left over (seed ${seed})`, async (t) => {
    t.diagnostic(`WEFT_SEED=${seed}`);
    const living: string[] = [];
    // Only two, because a killed controller's Lease has to run out before the next one leads.
    const controllerRounds = [below(rounds / 2), rounds / 2 + below(rounds / 2)];
    for (let round = 0; round < rounds; round++) {
      const born = Array.from({ length: bornEachRound }, (_, index) => `pod-${round}-${index}`);
      const churn = cluster.apply(
        ...born.map((name, index) =>
          pod({ namespace: "churn", name, node: nodes[index % nodes.length] ?? "" }),
        ),
      );
      await kill(`${nodes[below(nodes.length)]}-agent`);
      if (controllerRounds.includes(round)) await kill("controller");
      await churn;
      living.push(...born);
      const dying = Array.from({ length: dyingEachRound }, () =>
        living.splice(below(living.length), 1),
      ).flat();
      const deaths = cluster.kubectl("delete", "pod", "-n", "churn", "--wait=false", ...dying);
      await kill(`${nodes[below(nodes.length)]}-agent`);
      await deaths;
    }
    await expectWhole(cluster, "churn");
  });

  /** At a random moment of the churn. It is restarted at once. */
  async function kill(name: string): Promise<void> {
    const { processes } = cluster.sandbox;
    await delay(below(400));
    await processes.kill(name, "SIGKILL");
    await processes.start(name);
  }
});
