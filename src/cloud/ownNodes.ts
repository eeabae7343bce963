// OVN on the cluster's own nodes, joined by tunnels: the overlay.

import type { EndpointSlice, Service } from "../kube/objects.ts";
import type { Fact, Owner } from "../model/fact.ts";
import type { ClusterNetwork, PodNetwork, ResolvedNode } from "../model/network.ts";
import { clusterFacts } from "../plan/cluster.ts";
import type { Hosts } from "../plan/hosts.ts";
import { nodeFacts } from "../plan/node.ts";
import { type PodIdentity, podFacts } from "../plan/pod.ts";
import { type PlannedPort, poolFacts } from "../plan/pool.ts";
import type { Scope } from "../plan/scope.ts";
import { serviceFacts } from "../plan/service.ts";
import type { Cloud } from "./cloud.ts";
import type { PortStates } from "./portStates.ts";

export class OwnNodes implements Cloud {
  readonly isNested = false;
  readonly #scope: Scope;
  readonly #network: ClusterNetwork;
  readonly #ports: PortStates;
  readonly #hasPools: boolean;

  constructor(scope: Scope, network: ClusterNetwork, ports: PortStates, hasPools: boolean) {
    this.#hasPools = hasPools;
    this.#scope = scope;
    this.#network = network;
    this.#ports = ports;
  }

  clusterFacts(): readonly Fact[] {
    return clusterFacts(this.#scope, this.#network);
  }

  nodeFacts(node: ResolvedNode): readonly Fact[] {
    return nodeFacts(this.#scope, this.#network, node, this.#hasPools);
  }

  poolFacts(node: ResolvedNode, ports: readonly PlannedPort[]): readonly Fact[] {
    return poolFacts(this.#scope, node, ports, undefined);
  }

  podFacts(pod: PodIdentity, node: ResolvedNode, network: PodNetwork): readonly Fact[] {
    return podFacts(this.#scope, pod, node, network);
  }

  serviceFacts(service: Service, slices: readonly EndpointSlice[], hosts: Hosts): readonly Fact[] {
    return serviceFacts(this.#scope, service, slices, hosts);
  }

  /** From when ovn-northd has translated it: its node then needs nobody but ovn-controller and the southbound database. */
  isCarried(name: string): boolean | undefined {
    return this.#ports.synced ? this.#ports.stateOf(name) !== "absent" : undefined;
  }

  heard(signal: AbortSignal): Promise<void> {
    return this.#ports.ready(signal);
  }

  foreignTags(): ReadonlySet<number> {
    return new Set();
  }

  forgetNode(): void {
    // Nothing is remembered of nodes.
  }

  subscribe(listener: (owner: Owner) => void): () => void {
    return this.#ports.subscribe(listener);
  }
}
