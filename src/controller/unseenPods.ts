// Pods on ready ports that groups of policies had before this term, and that are not listed. They have no rows by whose names
// they could be asked for, so they are asked for by their addresses. Until the answer it is not certain who is in no group:
// otherwise a pod would do what its policies forbid, because a list has left it out.

import type { ApiServer } from "../kube/apiServer.ts";
import type { KubeClient } from "../kube/client.ts";
import { type Clock, type Log, pause } from "../kube/clock.ts";
import { record, text } from "../kube/json.ts";
import { kinds } from "../kube/kinds.ts";
import type { Pod } from "../kube/objects.ts";
import { pathOf } from "../kube/resource.ts";
import { putRaw, type Stores } from "../kube/stores.ts";
import type { GroupedPort } from "../observe/groupRows.ts";

export interface UnseenPodsOptions {
  readonly client: Pick<KubeClient, "list">;
  readonly server: ApiServer;
  readonly stores: Stores;
  /** Until `what` is confirmed, it is uncertain which pods are in no group. */
  readonly need: (what: string) => void;
  /** The namespace has a pod, so it has to be confirmed as well. */
  readonly needNamespace: (name: string) => void;
  /** `what` has been planned, or is known to be gone. */
  readonly confirm: (what: string) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const againMs = 30_000;

export class UnseenPods {
  readonly #options: UnseenPodsOptions;
  /** address -> the name of the port that has it */
  readonly #unconfirmed = new Map<string, string>();

  /** `ports`: the ready ports that are in groups. */
  constructor(options: UnseenPodsOptions, ports: Iterable<GroupedPort>) {
    this.#options = options;
    const grouped = [...ports];
    const placed = grouped.length > 0 ? this.#placed() : new Set<string>();
    for (const port of grouped) {
      if (port.addresses.some((address) => placed.has(address))) continue;
      for (const address of port.addresses) this.#unconfirmed.set(address, port.name);
      options.need(port.name);
      void this.#ask(port);
    }
  }

  /** The pod has been planned, and has its place. */
  planned({ podIps }: Pick<Pod, "podIps">): void {
    for (const address of podIps) {
      const port = this.#unconfirmed.get(address);
      if (port !== undefined) this.#end(port);
    }
  }

  /** The addresses of pods whose nodes are listed too. */
  #placed(): ReadonlySet<string> {
    const { Pod, Node } = this.#options.stores;
    return new Set(
      [...Pod.values()].flatMap(({ nodeName, podIps }) => (Node.get("", nodeName) ? podIps : [])),
    );
  }

  #end(port: string): void {
    for (const [address, name] of this.#unconfirmed) if (name === port) this.#unconfirmed.delete(address);
    this.#options.confirm(port);
  }

  /** Asks until the server says which pod has the port, or that none has. Does not reject. */
  async #ask({ name, addresses }: GroupedPort): Promise<void> {
    const { server, log, clock, signal } = this.#options;
    while (!signal.aborted && addresses.some((address) => this.#unconfirmed.has(address))) {
      try {
        const isFound = await this.#find(addresses);
        const standing = await server.look(kinds.Pod);
        if (!isFound && (standing === "known" || standing === "unknown")) return this.#end(name);
      } catch (error) {
        log("debug", "cannot find out which pod is on a port that is in groups of policies", {
          port: name,
          error,
        });
      }
      await pause(clock, againMs, signal);
    }
  }

  /** Takes in the pod with one of the addresses. False when there is none. */
  async #find(addresses: readonly string[]): Promise<boolean> {
    const { client, stores, signal, needNamespace } = this.#options;
    for (const address of addresses) {
      const query = { fieldSelector: `status.podIP=${address}`, limit: 1 };
      const { items } = await client.list(pathOf(kinds.Pod), { query, signal });
      for (const raw of items) {
        needNamespace(text(record(record(raw).metadata).namespace));
        putRaw(stores, "Pod", raw);
      }
      if (items.length > 0) return true;
    }
    return false;
  }
}
