// An in-memory API server for annotations, and objects for it: the starting point for tests of decisions.

import assert from "node:assert/strict";
import { clusterNetwork, defaultJoin } from "../config/ranges.ts";
import type { Node, Pod } from "../kube/objects.ts";
import { formatCidr, parseCidr } from "../model/ip.ts";
import { annotations, namesOf } from "../model/names.ts";
import type { PodPlace } from "../model/places.ts";
import type { NodeRows } from "../observe/nodeRows.ts";
import { PortRows } from "../observe/rowAddressesFixture.ts";
import { Decider } from "./decider.ts";
import type { Decision } from "./decision.ts";
import type { AnnotationPatch } from "./durable.ts";

const meta = (namespace: string, name: string) => ({
  namespace,
  name,
  uid: `uid-${name}`,
  resourceVersion: "1",
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
});
export const aNode = (name: string, change: Partial<Node> = {}): Node => ({
  ...meta("", name),
  kind: "Node",
  internalIps: [],
  networkUnavailable: true,
  allocatable: { pods: 110, cpus: 4, memoryBytes: 8 * 2 ** 30 },
  ...change,
});
export const aPod = (name: string, change: Partial<Pod> = {}): Pod => ({
  ...meta("shop", name),
  kind: "Pod",
  nodeName: "n1",
  hostNetwork: false,
  phase: "Pending",
  podIps: [],
  ...change,
});

/** An API server for annotations. Writes fail while it is `away`. */
export class Api {
  readonly objects = new Map<string, Node | Pod>();
  writes = 0;
  away = false;

  put(...objects: readonly (Node | Pod)[]): void {
    for (const object of objects) this.objects.set(object.uid, object);
  }

  readonly patch = async ({ uid, annotations: values }: AnnotationPatch): Promise<void> => {
    this.writes++;
    await Promise.resolve();
    if (this.away) throw new Error("no answer");
    const object = this.objects.get(uid);
    if (!object) throw new Error("not found");
    const resourceVersion = String(Number(object.resourceVersion) + 1);
    this.put({ ...object, resourceVersion, annotations: { ...object.annotations, ...values } });
  };

  get nodes(): readonly Node[] {
    return [...this.objects.values()].filter((object) => object.kind === "Node");
  }

  get pods(): readonly Pod[] {
    return [...this.objects.values()].filter((object) => object.kind === "Pod");
  }

  node(name: string): Node {
    return this.nodes.find((node) => node.name === name) ?? assert.fail(`no node ${name}`);
  }

  pod(name: string): Pod {
    return this.pods.find((pod) => pod.name === name) ?? assert.fail(`no pod ${name}`);
  }
}

/** The decision after its pending write has finished. */
export async function settled<T>(decide: () => Decision<T>): Promise<Decision<T>> {
  const decision = decide();
  if (decision.state === "pending") await decision.written;
  return decision.state === "pending" ? decide() : decision;
}

/** A decider that has taken over what `api` has, with pod ranges `pods`. */
export async function decider(
  api: Api,
  {
    pods = ["10.244.0.0/16"],
    rows = new PortRows(),
    nodeRows = [],
  }: { pods?: string[]; rows?: PortRows; nodeRows?: readonly NodeRows[] } = {},
): Promise<Decider> {
  const network = clusterNetwork({ pods, services: [], join: defaultJoin });
  const options = { network, names: namesOf("demo"), rows, patch: api.patch };
  const deciding = new Decider(options);
  await deciding.adopt({ nodes: api.nodes, pods: api.pods, poolRows: [], nodeRows });
  return deciding;
}

export function ready<T>(decision: Decision<T>): T {
  assert.equal(decision.state, "ready");
  return decision.state === "ready" ? decision.value : assert.fail();
}

/** The addresses of a pod. */
export const texts = ({ network }: PodPlace): readonly string[] => network.addresses.map(formatCidr);

export const subnet = (text: string) => parseCidr(text) ?? assert.fail(text);

export const subnets = (text: string) => ({ [annotations.nodeSubnets]: text });
