// Which pod or node has an address, according to the API server. An unknown address makes it ask again, but not for
// each packet. Addresses are reused, so an old packet may get the name of its address's present holder.

import { nodeSubnetsOf } from "../../kube/annotations.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { AnyPolicy } from "../../kube/clusterPolicy.ts";
import { kinds } from "../../kube/kinds.ts";
import { policyKinds } from "../../kube/policies.ts";
import { formatIp } from "../../model/ip.ts";
import { managementOf } from "../../model/network.ts";
import { listAll } from "../listAll.ts";
import type { PolicyName } from "./policyNames.ts";

const againMs = 5_000;

export class WhoHas {
  readonly #client: () => Promise<KubeClient>;
  readonly #timeoutMs: number;
  /** address -> `pod shop/web-1`, `node n1` */
  #names = new Map<string, string>();
  #policies: readonly PolicyName[] = [];
  #askedMs = -Infinity;
  /** Why the API server does not answer. */
  failure: string | undefined;

  constructor(client: () => Promise<KubeClient>, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  /** The policies that exist. */
  get policies(): Iterable<PolicyName> {
    return this.#policies;
  }

  /** Undefined for an address of nobody in the cluster. */
  nameOf(address: string): string | undefined {
    return this.#names.get(address);
  }

  /** Asks again if one of the addresses is unknown and it was not asked just now. */
  async learn(...addresses: readonly string[]): Promise<void> {
    const now = performance.now();
    if (addresses.every((address) => this.#names.has(address)) || now - this.#askedMs < againMs) return;
    this.#askedMs = now;
    try {
      await this.#ask(AbortSignal.timeout(this.#timeoutMs));
      this.failure = undefined;
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    using client = await this.#client();
    const [pods, nodes] = await Promise.all([
      listAll(client, kinds.Pod, signal),
      listAll(client, kinds.Node, signal),
    ]);
    const policies = await Promise.all(
      policyKinds.map((kind) => listAll<AnyPolicy>(client, kinds[kind], signal)),
    );
    const names = new Map<string, string>();
    for (const node of nodes) {
      const seen = (nodeSubnetsOf(node) ?? []).map((subnet) => formatIp(managementOf(subnet)));
      for (const ip of [...node.internalIps, ...seen]) names.set(ip, `node ${node.name}`);
    }
    for (const { namespace, name, hostNetwork, podIps } of pods)
      if (!hostNetwork) for (const ip of podIps) names.set(ip, `${namespace}/${name}`);
    this.#names = names;
    this.#policies = policies.flat().map(({ kind, namespace, name }) => ({ kind, namespace, name }));
  }
}
