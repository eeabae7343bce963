// What must hold once a campaign is over and things had time to settle. Each check lists what is wrong, in words, and is
// asked again until nothing is or its time is up.

import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { pathsBetween } from "../../sandbox/demo/paths.ts";
import { checkPaths } from "../../sandbox/demo/probe.ts";
import type { Cluster } from "../sandbox/cluster.ts";
import { interfaces, links } from "../sandbox/wholeness.ts";
import type { Campaign } from "./campaign.ts";
import { type Footprint, footprints, growth } from "./footprint.ts";
import { type Ground, soakNamespace } from "./ground.ts";
import { changedLines, nodeState } from "./nodeState.ts";
import { differencesFromPlan } from "./plannedRows.ts";

export interface Check {
  readonly name: string;
  readonly look: () => Promise<readonly string[]>;
  /** How long to look again before something counts as wrong. */
  readonly patienceMs?: number;
}

/** The longest delay of Weft's own is half a minute: until an API server that lacked a kind is asked for it again. */
const usualPatienceMs = 90_000;
/** The API server keeps an idle connection for three minutes, and the other checks' kubectl has only just ended. */
const connectionsMs = 240_000;
const betweenLooksMs = 1_000;

/** Asks one check after the other. Returns what is wrong at the end, by check. */
export async function findings(
  checks: readonly Check[],
  say: (line: string) => void,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const { name, look, patienceMs = usualPatienceMs } of checks) {
    const start = performance.now();
    let wrong = await tried(look);
    while (wrong.length > 0 && performance.now() < start + patienceMs) {
      await delay(betweenLooksMs);
      wrong = await tried(look);
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    say(`${wrong.length === 0 ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
    if (wrong.length > 0) found.set(name, wrong);
  }
  return found;
}

const tried = (look: Check["look"]): Promise<readonly string[]> =>
  look().catch((error: unknown) => [error instanceof Error ? error.message : String(error)]);

/** While the pods and Services that are left live. */
export function wholeChecks(ground: Ground, campaign: Campaign): readonly Check[] {
  const { cluster } = ground;
  const isAssigned = cluster.sandbox.layout.addresses === "assigned";
  return [
    { name: "every process runs, and none has died by itself", look: () => processesLacking(cluster) },
    {
      name: "the pods are those that live, and they are ready",
      look: () => podsAmiss(cluster, campaign.living.pod),
    },
    {
      name: "the Services are those that live",
      look: () => namesAmiss(cluster, "services", campaign.living.service),
    },
    {
      name: "the policies are those that live",
      look: () => namesAmiss(cluster, "networkpolicies", campaign.living.policy),
    },
    { name: "weft status says healthy", look: () => unhealthy(cluster) },
    { name: "a new controller finds nothing to do", look: () => leftToDo(cluster) },
    ...(isAssigned
      ? [{ name: "OVN's rows are those of a plan from nothing", look: () => differencesFromPlan(ground) }]
      : []),
    { name: "the chassis are those that there are", look: () => chassisAmiss(cluster) },
    { name: "every packet arrives", look: () => pathsBroken(cluster) },
    { name: "each node has the ports and links of its pods", look: () => portsAmiss(cluster) },
  ];
}

/** What there was before the first pod, to be compared when the last one is gone. */
export interface Beginning {
  readonly nodes: ReadonlyMap<string, readonly string[]>;
  readonly bindings: readonly string[];
  readonly footprints: ReadonlyMap<string, Footprint>;
}

export async function beginningOf(cluster: Cluster): Promise<Beginning> {
  const nodes = new Map<string, readonly string[]>();
  for (const { host } of cluster.sandbox.nodes)
    nodes.set(host.name, await nodeState(cluster.sandbox, host.name));
  return { nodes, bindings: await bindings(cluster), footprints: footprints(cluster.sandbox.processes) };
}

/** When all pods and Services of the campaign are deleted. */
export function emptyChecks(ground: Ground, beginning: Beginning): readonly Check[] {
  const { cluster } = ground;
  const isAssigned = cluster.sandbox.layout.addresses === "assigned";
  return [
    { name: "no pod is left", look: () => podsAmiss(cluster, new Set()) },
    ...[...beginning.nodes].map(([node, before]) => ({
      name: `${node} is as it was before the first pod`,
      look: async () => changedLines(before, await nodeState(cluster.sandbox, node)),
    })),
    ...(isAssigned
      ? [
          { name: "OVN's rows are those of an empty plan", look: () => differencesFromPlan(ground) },
          {
            name: "OVN has bound the ports that it had bound",
            look: async () => changedLines(beginning.bindings, await bindings(cluster)),
          },
        ]
      : []),
    { name: "weft status says healthy without pods", look: () => unhealthy(cluster) },
    { name: "no process has died by itself", look: () => processesLacking(cluster) },
    {
      name: "memory and open files are as at the start",
      patienceMs: connectionsMs,
      look: async () => {
        // This program's own connections are no leak of the server's.
        ground.client[Symbol.dispose]();
        return growth(beginning.footprints, footprints(cluster.sandbox.processes));
      },
    },
  ];
}

async function processesLacking({ sandbox: { processes } }: Cluster): Promise<readonly string[]> {
  const lacking: string[] = [];
  for (const name of processes.names())
    await processes.ready(name).catch(() => lacking.push(`${name} does not run, or is not ready`));
  const died = readFileSync(processes.logFile("keeper"), "utf8")
    .split("\n")
    .filter((line) => line.includes("has died"));
  return [...lacking, ...died];
}

async function podsAmiss(cluster: Cluster, living: ReadonlySet<string>): Promise<readonly string[]> {
  const { items }: { items: readonly PodObject[] } = JSON.parse(
    await cluster.kubectl("get", "pods", "-n", soakNamespace, "-o", "json"),
  );
  const there = new Map(items.map((pod) => [pod.metadata.name, pod]));
  const notReady = items.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp !== undefined ||
      !status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
  );
  return [
    ...[...living].filter((name) => !there.has(name)).map((name) => `pod ${name} is missing`),
    ...[...there.keys()].filter((name) => !living.has(name)).map((name) => `pod ${name} is not gone`),
    ...notReady.map(({ metadata: { name, deletionTimestamp } }) =>
      deletionTimestamp === undefined ? `pod ${name} is not ready` : `pod ${name} is leaving`,
    ),
    ...doubles(items),
  ];
}

interface PodObject {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: {
    readonly phase?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** Addresses that two living pods report. */
export function doubles(pods: readonly PodObject[]): readonly string[] {
  const holders = new Map<string, string>();
  return pods
    .filter(({ status }) => status.phase !== "Succeeded" && status.phase !== "Failed")
    .flatMap(({ metadata: { name }, status }) =>
      (status.podIPs ?? []).flatMap(({ ip }) => {
        const other = holders.get(ip);
        holders.set(ip, name);
        return other === undefined ? [] : [`${ip} is the address of ${other} and of ${name}`];
      }),
    );
}

async function namesAmiss(
  cluster: Cluster,
  resource: string,
  living: ReadonlySet<string>,
): Promise<readonly string[]> {
  const names = await cluster.kubectl(
    ...["get", resource, "-n", soakNamespace, "-o", "jsonpath={.items[*].metadata.name}"],
  );
  return changedLines([...living], names.split(" ").filter(Boolean));
}

async function unhealthy(cluster: Cluster): Promise<readonly string[]> {
  const { status, stdout, stderr } = await cluster.weft("status");
  return status === 0 ? [] : `${stdout}${stderr}`.trim().split("\n");
}

async function leftToDo(cluster: Cluster): Promise<readonly string[]> {
  const { stdout, stderr } = await cluster.dryRun();
  return stdout.trim() === "nothing to do" ? [] : `${stdout}${stderr}`.trim().split("\n");
}

async function chassisAmiss(cluster: Cluster): Promise<readonly string[]> {
  const names = await cluster.sandbox.central.exec([
    ...["ovn-sbctl", "--bare", "--columns=hostname", "list", "Chassis"],
  ]);
  return changedLines(cluster.chassis, names.split("\n").filter(Boolean));
}

async function pathsBroken(cluster: Cluster): Promise<readonly string[]> {
  const checked = await checkPaths(cluster.sandbox, pathsBetween(await cluster.places()), () => undefined);
  return checked.flatMap(({ path, result }) => (result.ok ? [] : [`${path.id}: ${result.words}`]));
}

async function portsAmiss(cluster: Cluster): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const { host } of cluster.sandbox.nodes) {
    const path = `{range .items[?(@.spec.nodeName=="${host.name}")]}{.metadata.namespace}/{.metadata.name} {end}`;
    const pods = (await cluster.kubectl("get", "pods", "-A", "-o", `jsonpath=${path}`))
      .split(" ")
      .filter(Boolean);
    wrong.push(
      ...changedLines(pods, await interfaces(cluster, host.name)).map((line) => `${host.name}: ${line}`),
    );
    const count = await links(cluster, host.name);
    if (count !== pods.length) wrong.push(`${host.name} has ${count} links for ${pods.length} pods`);
  }
  return wrong;
}

/** Which logical port is on which chassis. */
async function bindings(cluster: Cluster): Promise<readonly string[]> {
  const find = (columns: string, table: string): Promise<string> =>
    cluster.sandbox.central.exec([
      ...["ovn-sbctl", "-f", "csv", "-d", "bare", "--no-headings", `--columns=${columns}`, "list", table],
    ]);
  const chassis = new Map(
    (await find("_uuid,hostname", "Chassis")).split("\n").map((line) => {
      const [uuid = "", name = ""] = line.split(",");
      return [uuid, name];
    }),
  );
  return (await find("logical_port,chassis", "Port_Binding"))
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [port = "", uuid = ""] = line.split(",");
      return `${port} on ${chassis.get(uuid) ?? "none"}`;
    })
    .toSorted();
}
