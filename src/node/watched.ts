// What an agent watches: its Node, the node's pods, all Services and FloatingAddresses and, for a pool, the policies. What a list leaves out stays
// until the server says of it that it is gone: otherwise one that lists nothing would close the node's ports for Services, and
// give a pod an open port that a policy selects. At a start the agent goes by the names that its predecessor knew.

import { ApiServer } from "../kube/apiServer.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Surroundings } from "../kube/clock.ts";
import { isNotFound } from "../kube/error.ts";
import type { FloatingAddress } from "../kube/floatingAddress.ts";
import { type Kind, kinds } from "../kube/kinds.ts";
import type { EndpointSlice, Node, Pod, Service } from "../kube/objects.ts";
import { type PolicyStores, policyStores } from "../kube/policies.ts";
import { pathOf } from "../kube/resource.ts";
import type { Store } from "../kube/store.ts";
import type { AnyStore } from "../kube/stores.ts";
import { watchKind } from "../kube/watch.ts";
import type { Recollection } from "./recollection.ts";

export interface Watched {
  readonly server: ApiServer;
  readonly nodes: Store<Node>;
  readonly pods: Store<Pod>;
  readonly services: Store<Service>;
  readonly floatings: Store<FloatingAddress>;
  /** Undefined without a pool. */
  readonly policies: PolicyStores | undefined;
  /** All but the Node, by kind. */
  readonly known: { readonly [K in Kind]?: AnyStore };
  /** A Service's slices, until `signal` is aborted. */
  readonly slicesOf: (service: Service, signal: AbortSignal) => Store<EndpointSlice>;
}

export interface WatchedScope {
  readonly nodeName: string;
  readonly isPooled: boolean;
  /** What an earlier agent of the node knew. */
  readonly recollection: Pick<Recollection, "of" | "cluster">;
}

export function watched(
  client: KubeClient,
  { nodeName, isPooled, recollection }: WatchedScope,
  surroundings: Surroundings & { readonly signal: AbortSignal },
): Watched {
  const server = new ApiServer(client, recollection.cluster);
  const watching = { ...surroundings, server };
  // The kubelet registers its node with one cluster, so a server that has the Node is that cluster's.
  const hasNode = async (): Promise<boolean> => {
    try {
      await client.get(pathOf(kinds.Node, "", nodeName));
      // The node may have joined another cluster since.
      if (server.doubt !== undefined) server.believe();
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  };
  const remembering = (kind: Kind) => ({
    ...watching,
    expected: { keys: recollection.of(kind), isOurs: hasNode },
  });
  const nodes = watchKind(client, "Node", {
    ...{ ...watching, fieldSelector: `metadata.name=${nodeName}` },
    // There may be none yet.
    expected: { keys: [`/${nodeName}`], isOurs: async () => true },
  });
  const mine = { ...remembering("Pod"), fieldSelector: `spec.nodeName=${nodeName}` };
  const pods = watchKind(client, "Pod", mine);
  const services = watchKind(client, "Service", remembering("Service"));
  const floatings = watchKind(client, "FloatingAddress", remembering("FloatingAddress"));
  const policies = isPooled ? policyStores((kind) => watchKind(client, kind, remembering(kind))) : undefined;
  return {
    ...{ server, nodes, pods, services, floatings, policies },
    known: { Pod: pods, Service: services, FloatingAddress: floatings, ...policies },
    slicesOf: ({ namespace, name }, signal) =>
      watchKind(client, "EndpointSlice", {
        ...{ ...watching, signal, namespace },
        labels: { "kubernetes.io/service-name": name },
      }),
  };
}
