// A case: Kubernetes objects in a YAML file, as the API would send them, and what Weft makes of them through its real
// kinds, with an API server that accepts every write. The first document is the cluster's configuration.

import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { OvnCloud } from "../../src/cloud/ovnCloud.ts";
import { OwnNodes } from "../../src/cloud/ownNodes.ts";
import { parseMarks } from "../../src/config/poolMarks.ts";
import { clusterNetwork, defaultJoin } from "../../src/config/ranges.ts";
import { plannedState } from "../../src/controller/plannedState.ts";
import { ownerKinds } from "../../src/kinds/kinds.ts";
import type { AnnotationValues } from "../../src/kube/annotations.ts";
import { ApiServer } from "../../src/kube/apiServer.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { silent, systemClock } from "../../src/kube/clock.ts";
import { Interner } from "../../src/kube/intern.ts";
import { type Kind, type KubeObject, kinds } from "../../src/kube/kinds.ts";
import { emptyStore, type Stores, storesOf } from "../../src/kube/stores.ts";
import type { Fact } from "../../src/model/fact.ts";
import type { ClusterNetwork } from "../../src/model/network.ts";
import { type Owner, ownerOf } from "../../src/model/owner.ts";
import { northboundScope, type Scope } from "../../src/model/scope.ts";
import { Observed } from "../../src/observe/observed.ts";
import type { PortStates } from "../../src/observe/portStates.ts";
import { type GivenRows, givenRows } from "./givenRows.ts";

export interface PlannedCase {
  readonly scope: Scope;
  /** By owner, in the order of planning. */
  readonly plans: ReadonlyMap<Owner, readonly Fact[]>;
  /** Owners without facts -> the reason, if one was given. */
  readonly without: ReadonlyMap<Owner, string | undefined>;
  /** How often each owner was planned. */
  readonly times: ReadonlyMap<Owner, number>;
  readonly network: ClusterNetwork;
  readonly objects: readonly KubeObject[];
  /** UID of a node or pod -> the annotations in which choices for it were made durable. */
  readonly chosen: ReadonlyMap<string, AnnotationValues>;
}

interface Configuration {
  readonly cluster: string;
  readonly pods: readonly string[];
  readonly services: readonly string[];
  /** Where pods are known by their own addresses. */
  readonly direct: readonly string[];
  /** `low,high`: nodes keep ready ports, and OVN carries all of them from the start. */
  readonly pool: string | undefined;
  /** The tenant's router, in underlay mode. */
  readonly router: string | undefined;
  /** What the northbound database already holds. */
  readonly rows: GivenRows;
}

export async function plannedCase(file: URL): Promise<PlannedCase> {
  const { configuration, objects } = await readCase(file);
  const { cluster, pods, services, direct, pool, router, rows } = configuration;
  const scope = northboundScope(cluster, "global");
  const network = clusterNetwork({ pods, services, join: defaultJoin, direct });
  const stores = storesWith(objects);
  const chosen = new Map<string, AnnotationValues>();
  const observed = new Observed({ scope, replica: givenRows(rows), ports: noPorts, router });
  using client = new KubeClient({ server: "http://127.0.0.1:1", namespace: "default" });
  const refused = new Map<string, string>();
  const times = new Map<Owner, number>();
  const desired = await plannedState(
    {
      scope,
      network,
      cloud: observed.tenant
        ? new OvnCloud(scope, network, observed.tenant, noPorts)
        : new OwnNodes(scope, network, pool !== undefined),
      pools:
        pool === undefined
          ? undefined
          : { isNested: router !== undefined, marks: parseMarks(pool), random: () => 0.5 },
      client,
      server: new ApiServer(client),
      stores,
      observed,
      patch: async ({ uid, annotations }) => void chosen.set(uid, { ...chosen.get(uid), ...annotations }),
      externalIps: [],
      writeServiceStatus: async () => undefined,
      writeFloating: {
        status: async () => undefined,
        make: async () => undefined,
        unmake: async () => undefined,
      },
      tell: {
        decided: () => undefined,
        distrusted: () => undefined,
        announced: () => undefined,
        floating: () => undefined,
        notFloating: () => undefined,
        notGiven: () => undefined,
        refused: ({ kind, namespace, name }, reason) =>
          void refused.set(`${kind} ${namespace}/${name}`, reason),
        conflict: ({ message }) => {
          throw new Error(message);
        },
        fellShort: () => undefined,
      },
      onPlanned: (owner) => void times.set(owner, (times.get(owner) ?? 0) + 1),
      clock: systemClock,
      random: Math.random,
      log: silent,
    },
    AbortSignal.timeout(10_000),
  );
  const plans = new Map([...desired.owners()].map((owner) => [owner, desired.factsOf(owner)]));
  const without = new Map<Owner, string | undefined>();
  for (const { kind, namespace, name } of objects)
    for (const ownerKind of ownerKinds) {
      const owner = ownerOf(ownerKind.name, name, namespace);
      const isPlanned = ownerKind.of === kind && (ownerKind.name !== "pool" || pool !== undefined);
      if (isPlanned && !plans.has(owner)) without.set(owner, refused.get(`${kind} ${namespace}/${name}`));
    }
  return { scope, plans, without, times, network, objects, chosen };
}

/** Complete stores that hold these objects. */
export const storesWith = (objects: readonly KubeObject[]): Stores =>
  storesOf((kind) => {
    const store = emptyStore(kind);
    store.apply(
      objects.filter((one) => one.kind === kind).map((object) => ({ type: "put", object })) as never,
    );
    store.note({ synced: true, resourceVersion: "1" });
    return store;
  });

/** OVN has reported that it has none of the ports yet. */
export const noPorts: PortStates = {
  synced: true,
  ready: async () => undefined,
  stateOf: () => "absent",
  chassisOf: () => undefined,
  physicalNetworksOf: () => [],
  chassisOfMachine: () => undefined,
  isAtLeast: () => false,
  subscribe: () => () => undefined,
};

async function readCase(
  file: URL,
): Promise<{ readonly configuration: Configuration; readonly objects: readonly KubeObject[] }> {
  const documents = parseAllDocuments(await readFile(file, "utf8")).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file.pathname}: ${document.errors.join("; ")}`);
    return document.toJS() as Document;
  });
  const [config, ...objects] = documents;
  if (!config?.cluster) throw new Error(`${file.pathname}: the first document is not the configuration`);
  const interner = new Interner();
  return {
    configuration: {
      cluster: config.cluster,
      pods: config.pods ?? [],
      services: config.services ?? [],
      direct: config.direct ?? [],
      pool: config.pool,
      router: config.router,
      rows: config.rows ?? {},
    },
    objects: objects.map((object) => projected(object, interner)),
  };
}

interface Document extends Partial<Configuration> {
  readonly kind?: Kind;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}

/** Adds what the API server adds to every object, so that cases can leave it out. */
function projected(object: Document, interner: Interner): KubeObject {
  const { kind, metadata } = object;
  if (kind === undefined || !(kind in kinds)) throw new Error(`no kind is called ${kind}`);
  const uid = `uid-of-${kind}-${metadata?.namespace ?? ""}-${metadata?.name}`.toLowerCase();
  const whole = { ...object, metadata: { uid, resourceVersion: "1", ...metadata } };
  const slim = kinds[kind].project(whole, interner);
  if (!slim) throw new Error(`${kind} ${metadata?.name}: refused by its projection`);
  return slim;
}
