// How long pods take to start with a real kubelet and containerd: from the request that creates a pod to its condition
// Ready as a watch tells it, and how much of that is spent in Weft's CNI plugin.

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";
import type { KubeClient } from "../../../src/kube/client.ts";
import { Lines } from "../../../src/kube/lines.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { pauseImage } from "../images/images.ts";
import { addSeconds, type Sum } from "./cniTime.ts";

const namespace = "default";
const path = `/api/v1/namespaces/${namespace}/pods`;
const limitMs = 5 * 60_000;

/** Milliseconds from the request that creates a pod. */
interface Start {
  readonly scheduled: number;
  readonly sandbox: number;
  readonly ready: number;
}

export interface StartsMeasured {
  readonly starts: readonly Start[];
  /** Mean time of the CNI's ADD, in milliseconds, over the same pods. */
  readonly addMs: number;
}

/** Creates `count` pods, all at once or each when the one before is ready, measures, and deletes them. */
export async function podStarts(
  cluster: Cluster,
  client: KubeClient,
  count: number,
  way: "together" | "in turn",
): Promise<StartsMeasured> {
  const run = `start-${randomBytes(3).toString("hex")}`;
  const names = Array.from({ length: count }, (_, index) => `${run}-${index}`);
  const watching = new AbortController();
  const births = new Births();
  const watch = births.follow(client, run, watching.signal);
  const before = await addSeconds(cluster);
  for (const batch of way === "together" ? [names] : names.map((name) => [name])) {
    await Promise.all(batch.map((name) => create(client, births, name, run)));
    await births.ready(batch);
  }
  const after = await addSeconds(cluster);
  watching.abort();
  await watch;
  await Promise.all(names.map((name) => client.delete(`${path}/${name}`, { gracePeriodSeconds: 0 })));
  await gone(client, run);
  return { starts: names.map((name) => births.startOf(name)), addMs: meanMs(before, after) };
}

const meanMs = (before: Sum, after: Sum): number =>
  ((after.seconds - before.seconds) * 1000) / Math.max(1, after.count - before.count);

async function create(client: KubeClient, births: Births, name: string, run: string): Promise<void> {
  births.begin(name);
  await client.create(path, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { run } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "pause", image: pauseImage, imagePullPolicy: "IfNotPresent" }],
    },
  });
}

async function gone(client: KubeClient, run: string): Promise<void> {
  const left = async (): Promise<number> =>
    (await client.list(path, { query: { labelSelector: `run=${run}` } })).items.length;
  while ((await left()) > 0) await delay(500);
}

const eventSchema = v.object({
  type: v.string(),
  object: v.looseObject({
    metadata: v.looseObject({ name: v.optional(v.string(), "") }),
    status: v.optional(
      v.looseObject({
        conditions: v.optional(v.array(v.looseObject({ type: v.string(), status: v.string() })), []),
      }),
    ),
  }),
});

/** When each condition of each pod became True, by this process's clock. */
class Births {
  readonly #begun = new Map<string, number>();
  /** pod ▶ condition ▶ when it was seen True */
  readonly #seen = new Map<string, Map<string, number>>();

  begin(name: string): void {
    this.#begun.set(name, performance.now());
  }

  async follow(client: KubeClient, run: string, signal: AbortSignal): Promise<void> {
    const query = { watch: true, labelSelector: `run=${run}` };
    // A busy API server closes the watch of a client that is slow for a moment. The next one begins with all pods as they
    // are.
    while (!signal.aborted) {
      const lines = new Lines();
      try {
        for await (const chunk of await client.stream(path, { query, idleMs: limitMs, signal }))
          for (const line of lines.push(chunk)) this.#take(line);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  #take(line: string): void {
    const { object } = v.parse(eventSchema, JSON.parse(line));
    const seen = this.#seen.get(object.metadata.name) ?? new Map<string, number>();
    this.#seen.set(object.metadata.name, seen);
    for (const { type, status } of object.status?.conditions ?? [])
      if (status === "True" && !seen.has(type)) seen.set(type, performance.now());
  }

  async ready(names: readonly string[]): Promise<void> {
    const deadline = performance.now() + limitMs;
    const waiting = (): readonly string[] => names.filter((name) => !this.#seen.get(name)?.has("Ready"));
    while (waiting().length > 0) {
      if (performance.now() > deadline) throw new Error(`pods not ready: ${waiting().join(" ")}`);
      await delay(5);
    }
  }

  startOf(name: string): Start {
    const since = (condition: string): number =>
      (this.#seen.get(name)?.get(condition) ?? Number.NaN) - (this.#begun.get(name) ?? Number.NaN);
    return {
      scheduled: since("PodScheduled"),
      sandbox: since("PodReadyToStartContainers"),
      ready: since("Ready"),
    };
  }
}
