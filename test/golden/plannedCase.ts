// A case: Kubernetes objects in a YAML file, as the API would send them, and what Weft makes of them: projected,
// decided with an API server that takes every write, planned. The first document is the cluster's configuration.

import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { Decider } from "../../src/decide/decider.ts";
import type { Decision } from "../../src/decide/decision.ts";
import { clusterNetwork, defaultJoin } from "../../src/decide/ranges.ts";
import { RowAddresses } from "../../src/decide/rows.ts";
import { Interner } from "../../src/kube/intern.ts";
import type { EndpointSlice, Node, Pod, Service } from "../../src/kube/objects.ts";
import { endpointSliceOf, nodeOf, type Projection, podOf, serviceOf } from "../../src/kube/project.ts";
import type { Fact } from "../../src/model/fact.ts";
import { clusterFacts } from "../../src/plan/cluster.ts";
import { Hosts, hostViewOf } from "../../src/plan/hosts.ts";
import { nodeFacts } from "../../src/plan/node.ts";
import { podFacts } from "../../src/plan/pod.ts";
import { northboundScope, type Scope } from "../../src/plan/scope.ts";
import { serviceFacts } from "../../src/plan/service.ts";

export interface PlannedCase {
  readonly scope: Scope;
  /** By owner, in the order of planning. */
  readonly plans: ReadonlyMap<string, readonly Fact[]>;
  /** owner -> why it has no plan */
  readonly without: ReadonlyMap<string, string>;
}

interface Case {
  readonly cluster: string;
  readonly pods: readonly string[];
  readonly services: readonly string[];
  readonly nodes: readonly Node[];
  readonly podObjects: readonly Pod[];
  readonly serviceObjects: readonly Service[];
  readonly slices: readonly EndpointSlice[];
}

export async function plannedCase(file: URL): Promise<PlannedCase> {
  const input = await readCase(file);
  const scope = northboundScope(input.cluster, "global");
  const network = clusterNetwork({ pods: input.pods, services: input.services, join: defaultJoin });
  const decider = await Decider.adopting(
    { network, names: scope.names, rows: new RowAddresses(), patch: async () => {} },
    { nodes: input.nodes, pods: input.podObjects, poolRows: [] },
  );
  const plans = new Map<string, readonly Fact[]>([["cluster", clusterFacts(scope, network)]]);
  const without = new Map<string, string>();
  const hosts = new Hosts([]);
  for (const node of input.nodes) {
    const decision = await durable(() => decider.node(node));
    if (decision.state === "ready") {
      plans.set(`node/${node.name}`, nodeFacts(scope, network, decision.value, false));
      hosts.set(node.name, hostViewOf(decision.value));
    } else without.set(`node/${node.name}`, reasonOf(decision));
  }
  for (const pod of input.podObjects) {
    const owner = `pod/${pod.namespace}/${pod.name}`;
    const decision = await durable(() => decider.pod(pod));
    const node = decider.resolvedNode(pod.nodeName);
    if (decision.state === "ready" && node)
      plans.set(owner, podFacts(scope, pod, node, decision.value.network));
    else without.set(owner, reasonOf(decision));
  }
  for (const service of input.serviceObjects) {
    const slices = input.slices.filter(
      ({ namespace, serviceName }) => namespace === service.namespace && serviceName === service.name,
    );
    const facts = serviceFacts(scope, service, slices, hosts);
    const owner = `service/${service.namespace}/${service.name}`;
    if (facts.length > 0) plans.set(owner, facts);
    else without.set(owner, "no virtual address");
  }
  return { scope, plans, without };
}

/** The answer once what was pending has been written. */
async function durable<T>(decide: () => Decision<T>): Promise<Decision<T>> {
  const decision = decide();
  if (decision.state !== "pending") return decision;
  await decision.written;
  return decide();
}

const reasonOf = (decision: Decision<unknown>): string =>
  "reason" in decision ? decision.reason : decision.state;

async function readCase(file: URL): Promise<Case> {
  const documents = parseAllDocuments(await readFile(file, "utf8")).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file.pathname}: ${document.errors.join("; ")}`);
    return document.toJS() as Document;
  });
  const [config, ...objects] = documents;
  if (!config?.cluster) throw new Error(`${file.pathname}: the first document is not the configuration`);
  const interner = new Interner();
  const ofKind = <T>(kind: string, project: Projection<T>): readonly T[] =>
    objects.filter((object) => object.kind === kind).map((object) => projected(object, project, interner));
  return {
    cluster: config.cluster,
    pods: config.pods ?? [],
    services: config.services ?? [],
    nodes: ofKind("Node", nodeOf),
    podObjects: ofKind("Pod", podOf),
    serviceObjects: ofKind("Service", serviceOf),
    slices: ofKind("EndpointSlice", endpointSliceOf),
  };
}

interface Document {
  readonly cluster?: string;
  readonly pods?: readonly string[];
  readonly services?: readonly string[];
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}

/** What the API server adds to every object is added here, so that cases need not say it. */
function projected<T>(object: Document, project: Projection<T>, interner: Interner): T {
  const { kind, metadata } = object;
  const uid = `uid-of-${kind}-${metadata?.namespace ?? ""}-${metadata?.name}`.toLowerCase();
  const whole = { ...object, metadata: { uid, resourceVersion: "1", ...metadata } };
  const slim = project(whole, interner);
  if (!slim) throw new Error(`${kind} ${metadata?.name}: refused by its projection`);
  return slim;
}
