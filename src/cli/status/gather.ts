// Asks Kubernetes and both OVN databases for what judge.ts needs. Each is asked independently: one that does not
// answer in time becomes a sentence, and the others still count.

import type { KubeClient } from "../../kube/client.ts";
import { Interner } from "../../kube/intern.ts";
import { kinds, type Watchable } from "../../kube/kinds.ts";
import type { ObjectMeta } from "../../kube/objects.ts";
import { pathOf } from "../../kube/resource.ts";
import { northbound } from "../../ovn/northbound.gen.ts";
import { southbound } from "../../ovn/southbound.gen.ts";
import { type AnyReplica, type Database, Session, type TlsOptions, Transaction } from "../../ovsdb/index.ts";
import { unanswered } from "../unanswered.ts";
import type {
  KubernetesView,
  NorthboundView,
  Probe,
  Snapshot,
  SouthboundView,
  Unreachable,
} from "./judge.ts";
import { leaderOf } from "./leader.ts";

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

const pageSize = 500;

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
  return { cluster: sources.cluster, kubernetes, northbound: nb, southbound: sb };
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
  const [nodes, pods, services, leader] = await Promise.all([
    all(client, kinds.Node, signal),
    all(client, kinds.Pod, signal),
    all(client, kinds.Service, signal),
    leaderOf({ client, lease: sources.lease, timeoutMs: sources.timeoutMs }, signal),
  ]);
  return { nodes, pods, serviceCount: services.length, leader };
}

async function all<T extends ObjectMeta>(
  client: KubeClient,
  kind: Watchable<T>,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const intern = new Interner();
  const objects: T[] = [];
  let next = "";
  do {
    const query = { limit: pageSize, continue: next === "" ? undefined : next };
    const page = await client.list(pathOf(kind), { query, signal });
    objects.push(...page.items.flatMap((item) => kind.project(item, intern) ?? []));
    next = page.continue;
  } while (next !== "");
  return objects;
}

async function northboundView(
  { northbound: remotes, tls, probe }: Sources,
  signal: AbortSignal,
): Promise<NorthboundView> {
  return copied({ remotes, tls }, northbound, followNorthbound, signal, async (replica, session) => {
    const lag = probe ? await probed(session, replica, signal) : undefined;
    const [global] = replica.table("NB_Global").values();
    return {
      ports: new Set([...replica.table("Logical_Switch_Port").values()].map((port) => port.name)),
      nbCfg: Number(global?.nb_cfg ?? 0),
      sbCfg: Number(global?.sb_cfg ?? 0),
      hvCfg: Number(global?.hv_cfg ?? 0),
      ...(lag && { probe: lag }),
    };
  });
}

const followNorthbound = (session: Session) =>
  session.replica(northbound, {
    Logical_Switch_Port: { columns: ["name"] },
    NB_Global: { columns: ["nb_cfg", "sb_cfg", "hv_cfg"] },
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
      Chassis_Private: { columns: ["name", "nb_cfg"] },
      Port_Binding: { columns: ["logical_port", "chassis", "up"] },
    });
  return copied({ remotes, tls }, southbound, follow, signal, (replica) => {
    const [global] = replica.table("SB_Global").values();
    const chassis = [...replica.table("Chassis_Private").values()];
    const bindings = [...replica.table("Port_Binding").values()];
    return {
      nbCfg: Number(global?.nb_cfg ?? 0),
      chassis: new Map(chassis.map((row) => [row.name, Number(row.nb_cfg)])),
      bindings: new Map(
        bindings.map((row) => [row.logical_port, { bound: row.chassis !== undefined, up: row.up === true }]),
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
