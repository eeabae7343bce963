// A sandbox with one node and a pool on it. The size of the pool is set as a kubelet would set it, by what the node can
// run. The bench's pods have no status, so the controller does not learn which ports are claimed, and refills nothing
// by itself.

import type { NodeHost } from "../../sandbox/host.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import type { Choices } from "../../sandbox/settings.ts";
import { upSandbox } from "../../sandbox/up.ts";
import { marksFor, middleOf } from "../../src/decide/poolSize.ts";
import { poolOfferOf } from "../../src/kube/annotations.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { Allocatable, Node } from "../../src/kube/objects.ts";
import { pathOf } from "../../src/kube/resource.ts";
import type { Store } from "../../src/kube/store.ts";
import { watchKind } from "../../src/kube/watch.ts";
import type { PoolOffer } from "../../src/model/pool.ts";
import { whenever } from "../../src/node/wait/whenever.ts";
import { BenchRuntime } from "../wiring/runtime.ts";

const nodeOf = (pods: number): Allocatable => ({ pods, cpus: 1024, memoryBytes: 4096 * 2 ** 30 });

/** From small to the others and back, the pool crosses a mark. */
export const sizes = { small: nodeOf(600), large: nodeOf(1600), huge: nodeOf(4000) } as const;

/** So long that no port becomes ready again during a bench: work on a port after its pod is not part of the next ADD. */
const restSeconds = "3600";
const patienceMs = 120_000;

export class PoolBed implements AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly runtime: BenchRuntime;
  readonly #nodes: Store<Node>;
  readonly #ends: AsyncDisposable;

  private constructor(runtime: BenchRuntime, nodes: Store<Node>, ends: AsyncDisposable) {
    this.sandbox = runtime.sandbox;
    this.runtime = runtime;
    this.#nodes = nodes;
    this.#ends = ends;
  }

  /** A sandbox with a pool of the small size, and `byHand` more ports for the bare wiring. */
  static async up(choices: Choices, byHand: number, progress: (line: string) => void): Promise<PoolBed> {
    await using ends = new AsyncDisposableStack();
    const clusterCidrs = ["10.244.0.0/16/21", "fd00:10:244::/48"];
    const sandbox = ends.use(await upSandbox({ ...choices, nodes: 1, clusterCidrs, progress }));
    const runtime = ends.use(await BenchRuntime.on(sandbox));
    const watching = new AbortController();
    ends.defer(() => watching.abort());
    const nodes = watchKind(runtime.client, "Node", { signal: watching.signal });
    const bed = new PoolBed(runtime, nodes, ends.move());
    try {
      await relaunch(sandbox, `${bed.node.name}-agent`, ["--rest", restSeconds]);
      await runtime.ready(bed.node);
      await bed.resize(sizes.small);
      await runtime.makeReady(bed.node, byHand);
      return bed;
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  get node(): NodeHost {
    return this.runtime.firstNode;
  }

  /**
   * Resolves when the controller offers as many ports as a node of this size has, or as `enough` accepts, and nothing
   * is being taken back.
   */
  async resize(
    size: Allocatable,
    enough = (ports: number): boolean => ports === portsOf(size),
  ): Promise<void> {
    const allocatable = { pods: size.pods, cpu: size.cpus, memory: size.memoryBytes };
    const values = Object.fromEntries(Object.entries(allocatable).map(([name, value]) => [name, `${value}`]));
    const path = pathOf(kinds.Node, "", this.node.name, "status");
    await this.runtime.client.patch(path, { status: { allocatable: values } });
    await whenever([this.#nodes], AbortSignal.timeout(patienceMs), () => {
      const offer = this.#offer;
      return offer && offer.withdrawn.length === 0 && enough(countOf(offer)) ? true : undefined;
    });
  }

  get #offer(): PoolOffer | undefined {
    const node = this.#nodes.get("", this.node.name);
    return node && poolOfferOf(node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ends[Symbol.asyncDispose]();
  }
}

/** How many open and closed ports a node of this size has, when the bench's pods do not reduce the number. */
export const portsOf = (size: Allocatable): number => 2 * middleOf(marksFor(size, undefined));

/** The number of ports below which filling does not pause. */
export const urgentPortsOf = (size: Allocatable): number => 2 * marksFor(size, undefined).low;

const countOf = ({ open, closed }: PoolOffer): number => open.length + closed.length;

/** Restarts the process with additional flags. If a flag is given twice, the last one counts. */
async function relaunch(sandbox: Sandbox, name: string, flags: readonly string[]): Promise<void> {
  const { processes } = sandbox;
  const record = processes.record(name);
  await processes.stop(name);
  await processes.launch({ ...record, argv: [...record.argv, ...flags] });
}
