// Whether a cluster is as if nothing had happened to it: its pods run and reach each other, and OVN, Open vSwitch and nodes have
// what belongs to living pods, and nothing else.

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { RunResult } from "../../../sandbox/process/run.ts";
import { interfaces, links } from "../../sandbox/wholeness.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { namespace, port } from "./churn.ts";
import { rolledOut } from "./rollout.ts";

interface PodObject {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName?: string; readonly hostNetwork?: boolean };
  readonly status: {
    readonly phase?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly node: string;
  readonly addresses: readonly string[];
  /** Empty, or why it is not one that lives. */
  readonly amiss: string;
}

/** Longer than a kubelet's longest back-off for a container whose network failed meanwhile. */
const patienceMs = 240_000;

/** Asks again until all holds. Throws with what does not when the time is up. */
export async function becomesWhole(cluster: Cluster): Promise<void> {
  await rolledOut(cluster);
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const wrong = await amiss(cluster).catch((error: unknown) => [String(error)]);
    if (wrong.length === 0) return;
    if (performance.now() > deadline) assert.fail(`after ${patienceMs / 1000} s:\n${wrong.join("\n")}`);
    await delay(2_000);
  }
}

async function amiss(cluster: Cluster): Promise<readonly string[]> {
  const pods = await podsOnTheNetwork(cluster);
  const notLiving = pods.filter((pod) => pod.amiss !== "");
  if (notLiving.length > 0)
    return notLiving.map(({ namespace, name, amiss }) => `pod ${namespace}/${name} ${amiss}`);
  const wrong = [...doubles(pods), ...difference("port in OVN", wantedPorts(pods), await ports(cluster))];
  for (const { host } of cluster.places.nodes) {
    const own = pods.filter(({ node }) => node === host.name);
    const wanted = own.map(({ namespace, name }) => `${namespace}/${name}`);
    const found = await interfaces(cluster, host.name);
    wrong.push(...difference(`interface on ${host.name}`, wanted, found));
    const count = await links(cluster, host.name);
    if (count !== own.length) wrong.push(`${host.name} has ${count} links for ${own.length} pods`);
  }
  if (wrong.length === 0) wrong.push(...(await unreached(cluster, pods)));
  if (wrong.length === 0) wrong.push(...(await saidByWeft(cluster)));
  return wrong;
}

async function podsOnTheNetwork(cluster: Cluster): Promise<readonly Pod[]> {
  const { items }: { readonly items: readonly PodObject[] } = JSON.parse(
    await cluster.kubectl(["get", "pods", "-A", "-o", "json"]),
  );
  return items
    .filter(({ spec }) => spec.hostNetwork !== true)
    .map(({ metadata, spec, status }) => {
      const isReady = status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True");
      return {
        ...{ name: metadata.name, namespace: metadata.namespace, node: spec.nodeName ?? "" },
        addresses: (status.podIPs ?? []).map(({ ip }) => ip),
        amiss: metadata.deletionTimestamp ? "is leaving" : isReady ? "" : `is not ready (${status.phase})`,
      };
    });
}

function doubles(pods: readonly Pod[]): readonly string[] {
  const holders = Map.groupBy(
    pods.flatMap(({ addresses, name }) => addresses.map((address) => ({ address, name }))),
    ({ address }) => address,
  );
  return [...holders].flatMap(([address, those]) =>
    those.length > 1 ? [`${address} is the address of ${those.map(({ name }) => name).join(" and ")}`] : [],
  );
}

const wantedPorts = (pods: readonly Pod[]): readonly string[] =>
  pods.map(({ namespace, name, addresses }) => `weft_pod_${namespace}_${name} ${addresses.join(" ")}`);

/** Name and addresses of each pod's port in the northbound database. */
async function ports(cluster: Cluster): Promise<readonly string[]> {
  const ask = [
    ...["ovn-nbctl", "--db=unix:/run/ovn/ovnnb_db.sock", "--no-leader-only", "--timeout=10"],
    ...[
      "-f",
      "csv",
      "-d",
      "bare",
      "--no-headings",
      "--columns=name,addresses",
      "list",
      "Logical_Switch_Port",
    ],
  ];
  const csv = await inSystem(cluster, "weft-central-0", "northbound", ask);
  return csv
    .split("\n")
    .filter((line) => line.startsWith("weft_pod_"))
    .map((line) => line.replaceAll('"', "").replace(/,\S+/, ""));
}

const difference = (what: string, wanted: readonly string[], found: readonly string[]): readonly string[] => [
  ...wanted.filter((each) => !found.includes(each)).map((each) => `no ${what}: ${each}`),
  ...found.filter((each) => !wanted.includes(each)).map((each) => `left over, ${what}: ${each}`),
];

/** What a pod of each node does not reach: each pod, at each of its addresses, and their Service at its own. */
async function unreached(cluster: Cluster, pods: readonly Pod[]): Promise<readonly string[]> {
  const all = pods.filter((pod) => pod.namespace === namespace);
  const service = ["get", "service", "churn", "-n", namespace, "-o", "jsonpath={.spec.clusterIPs[*]}"];
  const targets = [
    ...all.flatMap(({ addresses }) => addresses),
    ...(await cluster.kubectl(service)).split(" "),
  ];
  const script = targets.map((target) => `nc -z -w 3 ${target} ${port} || echo ${target}`).join("\n");
  const askers = new Map(all.map(({ node, name }) => [node, name]));
  const answers = [...askers].map(async ([node, name]) => {
    const failed = await cluster.kubectl(["exec", "-n", namespace, name, "--", "sh", "-c", script]);
    return failed
      .split(/\s+/)
      .flatMap((target) => (target === "" ? [] : [`${name} on ${node} does not reach ${target}`]));
  });
  return (await Promise.all(answers)).flat();
}

/** What `weft status` complains of, and what a controller that began now would write. */
async function saidByWeft(cluster: Cluster): Promise<readonly string[]> {
  const { status, stdout, stderr } = await weftStatus(cluster);
  if (status !== 0) return [`weft status: ${stdout}${stderr}`];
  const left = await cluster.kubectl([...inController, ...(await controllerArgs(cluster)), "--dry-run"]);
  return left.trim() === "nothing to do" ? [] : [`left to do: ${left}`];
}

/** With the identity of a controller, where one runs. */
export async function weftStatus(cluster: Cluster): Promise<RunResult> {
  const shared = /^--(cluster|northbound|southbound|ca-cert|certificate|private-key|lease-namespace)=/;
  const args = (await controllerArgs(cluster)).filter((arg) => shared.test(arg));
  return cluster.tryKubectl([...inController, "status", ...args]);
}

const inController = ["-n", "kube-system", "exec", "deployment/weft-controller", "--", "weft"];

async function controllerArgs(cluster: Cluster): Promise<readonly string[]> {
  const path = "jsonpath={.spec.template.spec.containers[0].args}";
  return JSON.parse(
    await cluster.kubectl(["-n", "kube-system", "get", "deployment", "weft-controller", "-o", path]),
  );
}

const inSystem = (
  cluster: Cluster,
  pod: string,
  container: string,
  argv: readonly string[],
): Promise<string> => cluster.kubectl(["-n", "kube-system", "exec", pod, "-c", container, "--", ...argv]);
