// What an agent watches: its Node, the node's pods, all Services and, for a pool, the policies. What a later list leaves out
// stays until the server says of it that it is gone (kube/unlisted.ts): otherwise one that lists nothing would close the node's
// ports for Services, and give a pod an open port that a policy selects.

import { ApiServer } from "../kube/apiServer.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Surroundings } from "../kube/clock.ts";
import type { EndpointSlice, Node, Pod, Service } from "../kube/objects.ts";
import { type PolicyStores, policyStores } from "../kube/policies.ts";
import type { Store } from "../kube/store.ts";
import { watchKind } from "../kube/watch.ts";

export interface Watched {
  readonly nodes: Store<Node>;
  readonly pods: Store<Pod>;
  readonly services: Store<Service>;
  /** Undefined without a pool. */
  readonly policies: PolicyStores | undefined;
  /** A Service's slices, until `signal` is aborted. */
  readonly slicesOf: (service: Service, signal: AbortSignal) => Store<EndpointSlice>;
}

export function watched(
  client: KubeClient,
  { nodeName, isPooled }: { readonly nodeName: string; readonly isPooled: boolean },
  surroundings: Surroundings & { readonly signal: AbortSignal },
): Watched {
  const watching = { ...surroundings, server: new ApiServer(client) };
  return {
    nodes: watchKind(client, "Node", { ...watching, fieldSelector: `metadata.name=${nodeName}` }),
    pods: watchKind(client, "Pod", { ...watching, fieldSelector: `spec.nodeName=${nodeName}` }),
    services: watchKind(client, "Service", watching),
    policies: isPooled ? policyStores((kind) => watchKind(client, kind, watching)) : undefined,
    slicesOf: ({ namespace, name }, signal) =>
      watchKind(client, "EndpointSlice", {
        ...{ ...watching, signal, namespace },
        labels: { "kubernetes.io/service-name": name },
      }),
  };
}
