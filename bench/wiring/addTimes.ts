// CNI ADD on an idle node, many times, Weft and the bare wiring taking turns: from the start of the plugin to its
// answer.

import { setTimeout as delay } from "node:timers/promises";
import type { NodeHost } from "../../sandbox/host.ts";
import { type Figure, quantile } from "../figure.ts";
import type { BenchRuntime } from "./runtime.ts";

/** In milliseconds. */
export interface AddTimes {
  readonly weft: readonly number[];
  readonly bare: readonly number[];
}

export interface AddOptions {
  readonly node: NodeHost;
  readonly samples: number;
  /** The pods' names begin with it; letters only. */
  readonly name: string;
  /** How many pods were wired bare before. */
  readonly from?: number;
  /** Resolves when the work caused by the previous pod is over. */
  readonly idle?: () => Promise<void>;
  /** ADD begins when everything has seen the Pod object, from which it needs nothing. Otherwise it begins at once. */
  readonly known?: boolean;
}

/**
 * By then API server, controller and agent have dealt with a new Pod. That is not part of ADD, but uses the same
 * processors.
 */
const hearingMs = 200;

export async function addTimes(runtime: BenchRuntime, options: AddOptions): Promise<AddTimes> {
  const { node, samples, name, from = 0, known = false, idle = () => Promise.resolve() } = options;
  const weft: number[] = [];
  const bare: number[] = [];
  for (let i = 0; i < samples; i++) {
    await idle();
    weft.push(await oneOfWeft(runtime, node, `${name}w${i}`, known));
    await idle();
    if (known) await delay(hearingMs);
    bare.push(await oneBare(runtime, node, `${name}b${i}`, from + i));
  }
  return { weft, bare };
}

/** Unless it is `known`, the Pod object is created just before, so that the figure includes the decision of its address. */
async function oneOfWeft(
  runtime: BenchRuntime,
  node: NodeHost,
  name: string,
  known: boolean,
): Promise<number> {
  const pod = await runtime.namespaceFor(node, name);
  const uid = await runtime.createPod(pod);
  if (known) await delay(hearingMs);
  const start = performance.now();
  await runtime.add(pod, uid);
  const ms = performance.now() - start;
  await runtime.del(pod, uid);
  await runtime.deletePod(pod);
  await runtime.removeNamespace(pod);
  return ms;
}

async function oneBare(runtime: BenchRuntime, node: NodeHost, name: string, index: number): Promise<number> {
  const pod = await runtime.namespaceFor(node, name);
  const start = performance.now();
  await runtime.addBare(pod, index);
  const ms = performance.now() - start;
  await runtime.delBare(pod);
  await runtime.removeNamespace(pod);
  return ms;
}

/** `aim` applies to the median. */
export const addFigures = (what: string, { weft, bare }: AddTimes, aim?: number): readonly Figure[] =>
  [0.5, 0.99].map((share) => ({
    name: `${what} p${share * 100}`,
    unit: "ms",
    value: quantile(weft, share),
    limit: { name: "bare", value: quantile(bare, share) },
    ...(share === 0.5 && aim !== undefined && { aim }),
  }));
