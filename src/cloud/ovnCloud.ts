// A cloud networked by OVN, spoken to by its northbound database: the underlay. The nodes are virtual machines on a
// tenant's network; pods are ports nested in theirs.

import type { EndpointSlice, Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import type { ClusterNetwork, ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import type { TenantView } from "../observe/tenant.ts";
import type { RefTo } from "../plan/facts.ts";
import { NodeIndex } from "../plan/nodeIndex.ts";
import { serviceFacts } from "../plan/service.ts";
import { tenantFacts, virtualNodeFacts } from "../plan/tenant.ts";
import type { Cloud, NotYet, Said } from "./cloud.ts";

export class OvnCloud implements Cloud {
  /** The hypervisor has the port until the virtual machine has gone from there. */
  readonly carriedFrom = "installed";
  readonly #scope: Scope;
  readonly #network: ClusterNetwork;
  readonly #view: TenantView;
  /** To a Service every address is as good as any other: a node's own is one of the tenant's network. */
  readonly #noHosts = new NodeIndex([]);

  constructor(scope: Scope, network: ClusterNetwork, view: TenantView) {
    this.#scope = scope;
    this.#network = network;
    this.#view = view;
  }

  router(): RefTo<"Logical_Router"> | NotYet {
    return this.#view.tenant()?.router ?? this.#noTenant();
  }

  clusterFacts(owner: Owner): Said {
    const tenant = this.#view.tenant();
    return tenant ? tenantFacts(this.#scope, owner, this.#network, tenant) : this.#noTenant();
  }

  nodeFacts(owner: Owner, node: ResolvedNode): Said {
    const tenant = this.#view.tenant();
    return tenant ? virtualNodeFacts(this.#scope, owner, node, tenant) : this.#noTenant();
  }

  serviceFacts(owner: Owner, service: Service, slices: readonly EndpointSlice[]): readonly Fact[] {
    return serviceFacts(this.#scope, owner, service, slices, this.#noHosts);
  }

  #noTenant(): NotYet {
    return {
      notNow: `the cloud has no router ${this.#view.router}; make it, or name another with --cloud-router`,
    };
  }
}
