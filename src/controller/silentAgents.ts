// Detects agents that are gone. Each agent renews a Lease; if this controller's clock sees no renewal for the Lease's
// whole duration, the agent is dead or cut off. It cannot report that itself, so the leading controller does so on the
// Node. An agent that comes back corrects that.

import { type AgentLease, agentLeases, agentLeasesOf } from "../kube/agentLease.ts";
import type { KubeClient } from "../kube/client.ts";
import { type Clock, type Log, pause } from "../kube/clock.ts";
import type { ConditionText, Node } from "../kube/objects.ts";
import { Staleness } from "../kube/staleness.ts";
import type { Store } from "../kube/store.ts";
import { watchResource } from "../kube/watch.ts";
import { annotations } from "../model/names.ts";

export interface SilentAgentsOptions {
  readonly leases: Pick<Store<AgentLease>, "values" | "freshness">;
  readonly nodes: Pick<Store<Node>, "get" | "values">;
  readonly declare: (node: Node, problem: ConditionText) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

const lookMs = 2_000;
/**
 * With more silent agents than this, and more than half of all, it is the API server or the network that fails:
 * taking all nodes away from the scheduler would make things worse.
 */
const fewAgents = 3;

/** How long a node that an agent has announced may be without a Lease. */
const firstLeaseMs = 60_000;

interface Heard {
  readonly renewTime: string;
  readonly sinceMs: number;
  /** The Node has been told about this silence. */
  readonly isDeclared: boolean;
}

/** The Leases of the cluster's agents, followed until `signal` aborts. */
export const followAgentLeases = (
  client: KubeClient,
  { namespace, cluster }: { readonly namespace: string; readonly cluster: string },
  signal: AbortSignal,
  log: Log,
): Store<AgentLease> =>
  watchResource(client, agentLeases, { namespace, labels: agentLeasesOf(cluster), signal, log });

export class SilentAgents {
  readonly #options: SilentAgentsOptions;
  /** node ▶ when its agent was last heard */
  readonly #heard = new Map<string, Heard>();
  #silent: readonly string[] = [];
  /** node that an agent has announced ▶ since when it has no Lease */
  readonly #unleased = new Map<string, number>();
  readonly #staleness: Staleness;

  constructor(options: SilentAgentsOptions) {
    this.#options = options;
    this.#staleness = new Staleness({ Lease: options.leases }, options.clock.now);
  }

  /** The nodes whose agents are silent. */
  get nodes(): readonly string[] {
    return this.#silent;
  }

  /** How many agents there are. */
  get count(): number {
    return this.#heard.size;
  }

  /** In one sentence; undefined when every agent is heard. */
  get problem(): string | undefined {
    if (this.#staleness.problem !== undefined) return this.#staleness.problem;
    if (this.#silent.length > 0) return `the agents of ${some(this.#silent)} are silent`;
    const now = this.#options.clock.now();
    const unleased = [...this.#unleased].filter(([, since]) => now - since > firstLeaseMs);
    if (unleased.length === 0) return undefined;
    const nodes = some(unleased.map(([name]) => name));
    return `the agents of ${nodes} have no Lease: do they run, and may they write Leases?`;
  }

  /** Watches until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look();
      await pause(this.#options.clock, lookMs, signal);
    }
  }

  /** Looks once, and tells the Nodes of agents that have just fallen silent. */
  async look(): Promise<void> {
    const { leases, nodes, clock } = this.#options;
    const now = clock.now();
    this.#staleness.look();
    const present = new Map<string, AgentLease>();
    for (const lease of leases.values()) if (nodes.get("", lease.node)) present.set(lease.node, lease);
    this.#lookForUnleased(present, now);
    for (const name of this.#heard.keys()) if (!present.has(name)) this.#heard.delete(name);
    const silent: string[] = [];
    for (const [name, { renewTime, durationMs }] of present) {
      const heard = this.#heard.get(name);
      // While the API server does not answer, no agent counts as silent.
      if (heard?.renewTime !== renewTime || leases.freshness.lagging)
        this.#heard.set(name, { renewTime, sinceMs: now, isDeclared: false });
      else if (now - heard.sinceMs > durationMs) silent.push(name);
    }
    this.#silent = silent;
    if (silent.length <= Math.max(fewAgents, present.size / 2))
      for (const name of silent) await this.#declare(name, present.get(name)?.durationMs ?? 0);
  }

  #lookForUnleased(present: ReadonlyMap<string, AgentLease>, now: number): void {
    const { leases, nodes } = this.#options;
    const unleased = new Set<string>();
    for (const { name, annotations: said } of nodes.values())
      if (said[annotations.gatewayConfig] !== undefined && !present.has(name) && !leases.freshness.lagging)
        unleased.add(name);
    for (const name of this.#unleased.keys()) if (!unleased.has(name)) this.#unleased.delete(name);
    for (const name of unleased) if (!this.#unleased.has(name)) this.#unleased.set(name, now);
  }

  async #declare(name: string, durationMs: number): Promise<void> {
    const { declare, nodes, log } = this.#options;
    const heard = this.#heard.get(name);
    const object = nodes.get("", name);
    if (!heard || heard.isDeclared || !object) return;
    const message = `The Weft agent of this node has not renewed its Lease for ${durationMs / 1000} s: it is dead, or cut off from the API server`;
    try {
      if (!object.networkUnavailable) await declare(object, { reason: "AgentSilent", message });
      this.#heard.set(name, { ...heard, isDeclared: true });
    } catch (error) {
      log("warn", "cannot say on the Node that its agent is silent", { node: name, error });
    }
  }
}

function some(names: readonly string[]): string {
  const more = names.length > 5 ? `, and ${names.length - 5} more` : "";
  return `${names.slice(0, 5).join(", ")}${more}`;
}
