// CNI ADD on an idle node, Weft's and the bare wiring: from the start of the plugin to its answer.

import { setTimeout as delay } from "node:timers/promises";
import type { NodeHost } from "../../sandbox/host.ts";
import { compared, type Figure } from "../figure.ts";
import { Side } from "../inTurn.ts";
import type { BenchRuntime } from "./runtime.ts";

/** Milliseconds of each ADD. */
export interface AddSides {
  readonly weft: Side;
  readonly bare: Side;
}

export interface AddOptions {
  readonly node: NodeHost;
  /** How many ADDs a block has. */
  readonly ofBlock: number;
  /** Begins the names of the pods; letters. */
  readonly name: string;
  /** Resolves when what the one before has set going is over. */
  readonly idle?: () => Promise<void>;
  /** ADD begins when everybody has heard of the Pod object, of whom it asks nothing; else at once. */
  readonly known?: boolean;
}

/** What API server, controller and agent do about a Pod is over by then: not a part of ADD, but on the same processors. */
const hearingMs = 200;

export function addSides(runtime: BenchRuntime, options: AddOptions): AddSides {
  const { node, ofBlock, name, known = false, idle = () => Promise.resolve() } = options;
  const side = (add: (index: number) => Promise<number>): Side =>
    Side.ofSingles(ofBlock, async (index) => {
      await idle();
      return add(index);
    });
  return {
    weft: side((index) => oneOfWeft(runtime, node, `${name}w${index}`, known)),
    bare: side(async (index) => {
      if (known) await delay(hearingMs);
      return oneBare(runtime, node, `${name}b${index}`, index);
    }),
  };
}

/** Unless it is `known` the Pod object is created just before, so that the decision of its address is in the figure. */
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

/** `aim` is for the median. */
export const addFigures = (what: string, { weft, bare }: AddSides, aim?: number): readonly Figure[] =>
  [0.5, 0.99].map((share) =>
    compared({
      name: `${what} p${share * 100}`,
      unit: "ms",
      share,
      own: weft,
      limit: { name: "bare", side: bare },
      aim: share === 0.5 ? aim : undefined,
    }),
  );
