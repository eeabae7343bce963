// OVN on the cluster's own nodes, joined by tunnels: the overlay.

import type { Pod, Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import type { HostPort } from "../model/hostPort.ts";
import type { Cidr, InterfaceAddress } from "../model/ip.ts";
import type { ClusterNetwork, ManagementAddress, ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { rowUuid } from "../model/uuid.ts";
import { clusterFacts } from "../plan/cluster.ts";
import type { Vip } from "../plan/endpoints.ts";
import type { RefTo } from "../plan/facts.ts";
import { type Floating, type FloatingPair, type FloatingPod, floatingFacts } from "../plan/floating.ts";
import { subjectFacts } from "../plan/groups.ts";
import { hostPortFacts } from "../plan/hostPort.ts";
import { type Hosts, hostViewOf } from "../plan/hosts.ts";
import { type GoneEndpoints, lateFlushFacts } from "../plan/lateFlush.ts";
import { nodeFacts } from "../plan/node.ts";
import { fromOwnNode } from "../plan/ownNode.ts";
import { serviceFacts } from "../plan/service.ts";
import type { Cloud } from "./cloud.ts";

export class OwnNodes implements Cloud {
  /** Once ovn-northd has translated a port, its node only needs ovn-controller and the southbound database. */
  readonly carriedFrom = "unbound";
  readonly #scope: Scope;
  readonly #network: ClusterNetwork;
  readonly #hasPools: boolean;

  /** `hasPools`: the nodes keep ready ports. */
  constructor(scope: Scope, network: ClusterNetwork, hasPools: boolean) {
    this.#scope = scope;
    this.#network = network;
    this.#hasPools = hasPools;
  }

  router(): RefTo<"Logical_Router"> {
    return rowUuid(this.#scope.cluster, "Logical_Router", this.#scope.names.clusterRouter);
  }

  networks(): readonly Cidr[] {
    return [];
  }

  clusterFacts(owner: Owner, zones: readonly (string | undefined)[]): readonly Fact[] {
    return clusterFacts(this.#scope, owner, this.#network, zones);
  }

  nodeFacts(owner: Owner, node: ResolvedNode): readonly Fact[] {
    return nodeFacts(this.#scope, owner, this.#network, node, this.#hasPools);
  }

  standIns(node: ResolvedNode): readonly ManagementAddress[] {
    return hostViewOf(node).replaced;
  }

  subjectFacts(owner: Owner, id: string): readonly Fact[] {
    return subjectFacts(this.#scope, owner, id, fromOwnNode(this.#scope.names));
  }

  hostPortFacts(
    owner: Owner,
    pod: Pod,
    ports: readonly HostPort[],
    addresses: readonly InterfaceAddress[],
    hosts: Hosts,
  ): readonly Fact[] {
    const node = hosts.node(pod.nodeName);
    return node ? hostPortFacts(this.#scope, owner, pod, ports, addresses, node) : [];
  }

  serviceFacts(owner: Owner, service: Service, vips: readonly Vip[], hosts: Hosts): readonly Fact[] {
    return serviceFacts(this.#scope, owner, service, vips, hosts);
  }

  floatingFacts(
    owner: Owner,
    floating: Floating,
    pairs: readonly FloatingPair[],
    pod: FloatingPod,
    hosts: Hosts,
  ): readonly Fact[] {
    const node = hosts.node(pod.node);
    return node ? floatingFacts(this.#scope, owner, floating, pairs, node) : [];
  }

  lateFlushFacts(owner: Owner, gone: GoneEndpoints): readonly Fact[] {
    return lateFlushFacts(this.#scope, owner, gone, "join switch");
  }
}
