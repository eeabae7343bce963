// Asks Kubernetes and both OVN databases for what judge.ts needs. Each is asked independently: one that does not
// answer in time becomes a sentence, and the others still count.

import type { KubeClient } from "../../kube/client.ts";
import type { AnyPolicy } from "../../kube/clusterPolicy.ts";
import { kinds } from "../../kube/kinds.ts";
import { policyKinds } from "../../kube/policies.ts";
import { unservedInMode } from "../../kube/unservedInMode.ts";
import { namesOf, ownership } from "../../model/names.ts";
import { northbound } from "../../ovn/northbound.gen.ts";
import { southbound } from "../../ovn/southbound.gen.ts";
import { type AnyReplica, type Database, Session, type TlsOptions, Transaction } from "../../ovsdb/index.ts";
import { idOf } from "../../select/podGroup.ts";
import { refusedPods } from "../../select/profileStanding.ts";
import { listAll } from "../listAll.ts";
import { unanswered } from "../unanswered.ts";
import { askedOfHosts, keepsClients } from "./hostEndpoints.ts";
import { leaderOf } from "./leader.ts";
import { namesReport } from "./names.ts";
import { hasNoPorts } from "./nodes.ts";
import type {
  KubernetesView,
  NorthboundView,
  Probe,
  Snapshot,
  SouthboundView,
  Unreachable,
} from "./snapshot.ts";
import { type Told, toldBy } from "./told.ts";
import { lacksIngress, unreached } from "./unreached.ts";
import { hasNoAddress } from "./waiting.ts";

export interface Sources {
  readonly cluster: string;
  readonly kubernetes: () => Promise<KubeClient>;
  readonly northbound: readonly string[];
  readonly southbound: readonly string[];
  /** For remotes `ssl:…`. */
  readonly tls: TlsOptions | undefined;
  readonly lease: { readonly namespace: string; readonly name: string };
  readonly timeoutMs: number;
  /** Whether to request a new generation and time it; this writes to the northbound database. */
  readonly probe: boolean;
}

/** How long a generation may take: ovn-controller beside 1,000 switches needs a second. */
const underwayMs = 3_000;

export async function gather(sources: Sources): Promise<Snapshot> {
  const inTime = (): AbortSignal => AbortSignal.timeout(sources.timeoutMs);
  const northboundFirst = orUnreachable(northboundView(sources, inTime()));
  const [kubernetes, nb, sb] = await Promise.all([
    orUnreachable(kubernetesView(sources, inTime())),
    northboundFirst,
    // After a probe, the southbound database shows which nodes have not caught up.
    (sources.probe ? northboundFirst : Promise.resolve()).then(() =>
      orUnreachable(southboundView(sources, inTime())),
    ),
  ]);
  const { cluster, lease } = sources;
  return { cluster, leaseNamespace: lease.namespace, kubernetes, northbound: nb, southbound: sb };
}

async function orUnreachable<View>(view: Promise<View>): Promise<View | Unreachable> {
  try {
    return await view;
  } catch (error) {
    return { unreachable: error instanceof Error ? error.message : String(error) };
  }
}

async function kubernetesView(sources: Sources, signal: AbortSignal): Promise<KubernetesView> {
  using client = await sources.kubernetes();
  const failures: unknown[] = [];
  const orElse = async <T>(answer: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      failures.push(error);
      return otherwise;
    }
  };
  const question = { client, lease: sources.lease, timeoutMs: sources.timeoutMs };
  const asked = [
    orElse(listAll(client, kinds.Node, signal), []),
    orElse(listAll(client, kinds.Pod, signal), []),
    orElse(listAll(client, kinds.Service, signal), []),
    orElse(listAll(client, kinds.FloatingAddress, signal), []),
    orElse(listAll(client, kinds.LearnedName, signal), []),
    orElse<KubernetesView["leader"]>(leaderOf(question, signal), "unknown"),
  ] as const;
  const policiesOf = policyKinds.map((kind) =>
    orElse<readonly AnyPolicy[]>(listAll<AnyPolicy>(client, kinds[kind], signal), []),
  );
  const [nodes, pods, services, floatings, learned, leader] = await Promise.all(asked);
  const policies = (await Promise.all(policiesOf)).flat();
  // A server that answers nothing at all counts as down.
  if (failures.length === asked.length + policiesOf.length) throw failures[0];
  const isWaiting = pods.some(hasNoAddress) || nodes.some(hasNoPorts);
  const toldIf = async (
    isWanted: boolean,
    reason: Parameters<typeof toldBy>[1],
  ): Promise<Told | undefined> =>
    isWanted ? await toldBy(client, reason, signal).catch(() => undefined) : undefined;
  const [told, toldOfServices] = await Promise.all([
    toldIf(isWaiting, "NetworkNotReady"),
    toldIf(services.some(lacksIngress), "NoAddress"),
  ]);
  const mode = leader === "unknown" ? undefined : leader?.mode;
  const more = mode && unservedInMode(mode);
  // In underlay mode no Service keeps its clients, and that is said of each.
  const slices =
    mode?.kind !== "underlay" && services.some(keepsClients)
      ? await orElse(listAll(client, kinds.EndpointSlice, signal), [])
      : [];
  const ofHosts = askedOfHosts(slices, nodes);
  return {
    nodes,
    pods,
    serviceCount: services.length,
    policyCount: policies.length,
    ...(learned.length > 0 && { names: namesReport(learned, Date.now()) }),
    malformed: policies.flatMap(({ kind, namespace, name, problems: [problem] }) =>
      problem === undefined
        ? []
        : [{ kind, policy: namespace === "" ? name : `${namespace}/${name}`, problem }],
    ),
    unserved: [...nodes, ...pods, ...services].map((object) => ({
      unserved: [
        ...(object.unserved ?? []),
        ...(more?.(object) ?? []),
        ...(object.kind === "Service" ? ofHosts(object) : []),
      ],
    })),
    unreached: unreached(services, floatings, toldOfServices),
    told,
    leader,
    refused: failures.map((failure) => (failure instanceof Error ? failure.message : String(failure))),
  };
}

async function northboundView(
  { cluster, northbound: remotes, tls, probe }: Sources,
  signal: AbortSignal,
): Promise<NorthboundView> {
  return copied({ remotes, tls }, northbound, followNorthbound, signal, async (replica, session) => {
    const lag = probe ? await probed(session, replica, signal) : undefined;
    const global = await followed(replica, signal);
    const ports = [...replica.table("Logical_Switch_Port").values()];
    const foreign = ports.filter(({ external_ids: ids }) => ids.get(ownership.cluster) !== cluster);
    const sets = [...replica.table("Address_Set").values()];
    const closed = namesOf(cluster).subjects(idOf(refusedPods));
    const group = [...replica.table("Port_Group").values()].find(({ name }) => name === closed);
    return {
      clusters: new Set(sets.flatMap(({ external_ids: ids }) => ids.get(ownership.cluster) ?? [])),
      ports: new Set(ports.map(({ name }) => name)),
      foreignPorts: new Set(foreign.map(({ name }) => name)),
      nestedIn: new Map(ports.flatMap(({ name, parent_name: parent }) => (parent ? [[name, parent]] : []))),
      ...(group && { closedPods: group.ports.length }),
      nbCfg: Number(global?.nb_cfg ?? 0),
      sbCfg: Number(global?.sb_cfg ?? 0),
      hvCfg: Number(global?.hv_cfg ?? 0),
      ...(lag && { probe: lag }),
    };
  });
}

const followNorthbound = (session: Session) =>
  session.replica(northbound, {
    Logical_Switch_Port: { columns: ["name", "external_ids", "parent_name"] },
    Port_Group: { columns: ["name", "ports"] },
    NB_Global: { columns: ["nb_cfg", "sb_cfg", "hv_cfg"] },
    // Every cluster's fence is here.
    Address_Set: { columns: ["external_ids"] },
  });

/**
 * Requests a new generation (ovn-nb(5), nb_cfg) and waits until ovn-northd and every ovn-controller have reached it.
 */
async function probed(
  session: Session,
  replica: ReturnType<typeof followNorthbound>,
  signal: AbortSignal,
): Promise<Probe | undefined> {
  const [global] = replica.table("NB_Global").values();
  if (!global) return undefined;
  const generation = Number(global.nb_cfg) + 1;
  const start = performance.now();
  await session.transact(
    new Transaction(northbound).update("NB_Global", global._uuid, { nb_cfg: generation }),
  );
  const reached = async (column: "sb_cfg" | "hv_cfg"): Promise<number | undefined> => {
    const isReached = (): boolean =>
      (replica.table("NB_Global").get(global._uuid)?.[column] ?? 0) >= generation;
    while (!isReached() && !signal.aborted) await nextChange(replica, signal);
    return isReached() ? performance.now() - start : undefined;
  };
  const [southboundMs, nodesMs] = await Promise.all([reached("sb_cfg"), reached("hv_cfg")]);
  return { southboundMs, nodesMs };
}

/** The global row, once ovn-northd has repeated the number that it had to begin with. */
async function followed(replica: ReturnType<typeof followNorthbound>, signal: AbortSignal) {
  const row = () => [...replica.table("NB_Global").values()][0];
  const asked = row()?.nb_cfg ?? 0;
  await underway(replica, signal, () => (row()?.sb_cfg ?? 0) >= asked);
  return row();
}

/**
 * A generation is always under way somewhere: waits until it has arrived. Resolves in any case after some seconds, or
 * when the signal is aborted.
 */
async function underway(replica: AnyReplica, signal: AbortSignal, hasArrived: () => boolean): Promise<void> {
  const both = AbortSignal.any([signal, AbortSignal.timeout(underwayMs)]);
  while (!hasArrived() && !both.aborted) await nextChange(replica, both);
}

/** Resolves when the replica has changed or the signal is aborted. */
function nextChange(replica: AnyReplica, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stop();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const stop = replica.subscribe(done);
    signal.addEventListener("abort", done);
  });
}

async function southboundView(
  { southbound: remotes, tls }: Sources,
  signal: AbortSignal,
): Promise<SouthboundView> {
  const follow = (session: Session) =>
    session.replica(southbound, {
      SB_Global: { columns: ["nb_cfg"] },
      Chassis: { columns: ["name"] },
      Chassis_Private: { columns: ["name", "nb_cfg"] },
      Port_Binding: { columns: ["logical_port", "chassis", "up"] },
    });
  return copied({ remotes, tls }, southbound, follow, signal, async (replica) => {
    const expected = Number([...replica.table("SB_Global").values()][0]?.nb_cfg ?? 0);
    await underway(replica, signal, () =>
      [...replica.table("Chassis_Private").values()].every((row) => row.nb_cfg >= expected),
    );
    const chassis = [...replica.table("Chassis_Private").values()];
    const bindings = [...replica.table("Port_Binding").values()];
    const nameOf = (uuid: string | undefined): string | undefined =>
      uuid === undefined ? undefined : replica.table("Chassis").get(uuid)?.name;
    return {
      expected,
      chassis: new Map(chassis.map((row) => [row.name, Number(row.nb_cfg)])),
      bindings: new Map(
        bindings.map((row) => [
          row.logical_port,
          { bound: row.chassis !== undefined, up: row.up === true, chassis: nameOf(row.chassis) },
        ]),
      ),
    };
  });
}

/** What `read` makes of the replica that `follow` makes. The connection is closed afterwards. */
async function copied<Copy extends { ready(signal: AbortSignal): Promise<void> }, View>(
  { remotes, tls }: { readonly remotes: readonly string[]; readonly tls: TlsOptions | undefined },
  database: Database<unknown>,
  follow: (session: Session) => Copy,
  signal: AbortSignal,
  read: (replica: Copy, session: Session) => View | Promise<View>,
): Promise<View> {
  await using session = new Session({ remotes, database: database.schema.name, ...(tls && { tls }) });
  const replica = follow(session);
  session.start();
  try {
    await replica.ready(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Error(unanswered(remotes, session), { cause: error });
  }
  return await read(replica, session);
}
