// A cloud networked by OVN: the underlay. Weft talks to its northbound database. The nodes are virtual machines on a
// tenant's network, and pods are ports nested in the machines' ports.

import type { Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import type { Cidr } from "../model/ip.ts";
import type { ClusterNetwork, ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import type { PortStates } from "../observe/portStates.ts";
import type { TenantView } from "../observe/tenant.ts";
import { answerFacts } from "../plan/announcement.ts";
import type { Vip } from "../plan/endpoints.ts";
import type { RefTo } from "../plan/facts.ts";
import type { Floating, FloatingPair, FloatingPod } from "../plan/floating.ts";
import { subjectFacts } from "../plan/groups.ts";
import type { Hosts } from "../plan/hosts.ts";
import { type GoneEndpoints, lateFlushFacts, withinRanges } from "../plan/lateFlush.ts";
import { serviceFacts } from "../plan/service.ts";
import { tenantFacts, virtualNodeFacts } from "../plan/tenant.ts";
import { tenantFloatingFacts } from "../plan/tenantFloating.ts";
import type { Cloud, NotYet, Said } from "./cloud.ts";

export class OvnCloud implements Cloud {
  /** From then on the hypervisor has the port's flows, until the virtual machine leaves it. */
  readonly carriedFrom = "installed";
  readonly #scope: Scope;
  readonly #network: ClusterNetwork;
  readonly #view: TenantView;
  readonly #ports: Pick<PortStates, "physicalNetworksOf">;

  constructor(
    scope: Scope,
    network: ClusterNetwork,
    view: TenantView,
    ports: Pick<PortStates, "physicalNetworksOf">,
  ) {
    this.#ports = ports;
    this.#scope = scope;
    this.#network = network;
    this.#view = view;
  }

  router(): RefTo<"Logical_Router"> | NotYet {
    return this.#view.tenant()?.router ?? this.#noTenant();
  }

  networks(): readonly Cidr[] {
    return this.#view.tenant()?.networks ?? [];
  }

  clusterFacts(owner: Owner, zones: readonly (string | undefined)[]): Said {
    const tenant = this.#view.tenant();
    return tenant ? tenantFacts(this.#scope, owner, this.#network, tenant, zones) : this.#noTenant();
  }

  nodeFacts(owner: Owner, node: ResolvedNode): Said {
    const tenant = this.#view.tenant();
    return tenant ? virtualNodeFacts(this.#scope, owner, node, tenant) : this.#noTenant();
  }

  standIns(): readonly [] {
    return [];
  }

  subjectFacts(owner: Owner, id: string): readonly Fact[] {
    // The switch of each node lets its machine in.
    return subjectFacts(this.#scope, owner, id, undefined);
  }

  /** The machine's kernel leads to the pod (node/wayIn). */
  hostPortFacts(): readonly Fact[] {
    return [];
  }

  serviceFacts(owner: Owner, service: Service, vips: readonly Vip[], hosts: Hosts): readonly Fact[] {
    const facts = serviceFacts(this.#scope, owner, service, vips, {
      // A node's own address is an ordinary one on the tenant's network.
      targetOf: (address) => address,
      nodes: () => hosts.nodes(),
      zones: () => hosts.zones(),
      hasMachines: true,
      // It has no gateway router here.
      node: (name) => {
        const known = hosts.node(name);
        return known && { ...known, shared: [] };
      },
    });
    return [...facts, ...answerFacts(this.#scope, owner, service, vips)];
  }

  floatingFacts(
    owner: Owner,
    floating: Floating,
    pairs: readonly FloatingPair[],
    { port }: FloatingPod,
  ): Said {
    const tenant = this.#view.tenant();
    if (!tenant) return this.#noTenant();
    const physicalNetworks = this.#ports.physicalNetworksOf(port);
    return tenantFloatingFacts(this.#scope, owner, floating, pairs, tenant, { port, physicalNetworks });
  }

  lateFlushFacts(owner: Owner, gone: GoneEndpoints): Said {
    // At other addresses the router answers itself.
    const flushed = withinRanges(gone, this.#network.services);
    return this.#view.tenant()
      ? lateFlushFacts(this.#scope, owner, flushed, "tenant's router")
      : this.#noTenant();
  }

  #noTenant(): NotYet {
    return {
      notNow: `the cloud has no router ${this.#view.router}; make it, or name another with --cloud-router`,
    };
  }
}
