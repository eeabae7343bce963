// What the agent writes on its own Node object for the controller.

import { type AnnotationValues, gatewayConfigOf } from "../kube/annotations.ts";
import type { KubeClient, RequestOptions } from "../kube/client.ts";
import type { Node } from "../kube/objects.ts";
import { annotate } from "../kube/write.ts";
import { type Ip, parseIp } from "../model/ip.ts";

/** The addresses by which Kubernetes knows the node. */
export const internalIpsOf = (node: Node | undefined): readonly Ip[] =>
  (node?.internalIps ?? []).flatMap((text) => parseIp(text) ?? []);

/** The addresses that an agent of this node has announced before. */
export const addressesOf = (node: Node): readonly Ip[] =>
  (gatewayConfigOf(node)?.addresses ?? []).map(({ ip }) => ip);

/** Writes the annotations that differ. */
export const annotatorOf =
  (client: Pick<KubeClient, "patch">) =>
  async (node: Node, values: AnnotationValues, options: RequestOptions = {}): Promise<void> => {
    const different = Object.entries(values).filter(([key, value]) => node.annotations[key] !== value);
    if (different.length > 0) await annotate(client, node, Object.fromEntries(different), options);
  };
