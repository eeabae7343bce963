// A rolling restart of a Deployment behind a Service, while a client in another pod asks the Service fifty times a second:
// how long it takes, and how many requests are lost.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";
import type { Cluster } from "../cluster/cluster.ts";
import { agnhostImage } from "../images/images.ts";
import { ctr } from "../node/ctr.ts";

const namespace = "rollout";
const port = 80;
const rolloutMs = 10 * 60_000;
const settleMs = 3_000;

const countsSchema = v.object({
  sent: v.number(),
  answered: v.number(),
  lost: v.number(),
  slowestMs: v.number(),
  errors: v.record(v.string(), v.number()),
});

export interface Rollout {
  readonly seconds: number;
  readonly client: v.InferOutput<typeof countsSchema>;
}

/** `graceSeconds` is how long a pod goes on serving after it is told to end (preStop), as production does it; 0 for not at all. */
export async function rollingRestart(
  cluster: Cluster,
  replicas: number,
  graceSeconds: number,
): Promise<Rollout> {
  const kubectl = (...args: readonly string[]): Promise<string> =>
    cluster.kubectl(["-n", namespace, ...args]);
  await cluster.apply(JSON.stringify(objects(replicas, graceSeconds)));
  try {
    await finished(cluster);
    await kubectl("wait", "--for=condition=Ready", "pod/client", "--timeout=100s");
    const address = await kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}");
    const client = await startClient(cluster, address);
    await delay(settleMs);
    const started = performance.now();
    await kubectl("rollout", "restart", "deployment/web");
    await finished(cluster);
    const seconds = (performance.now() - started) / 1000;
    await delay(settleMs);
    return { seconds, client: await client.end() };
  } finally {
    await cluster.kubectl(["delete", "namespace", namespace, "--timeout=110s"]);
  }
}

async function finished(cluster: Cluster): Promise<void> {
  const deadline = performance.now() + rolloutMs;
  const status = ["-n", namespace, "rollout", "status", "deployment/web", "--timeout=60s"];
  while ((await cluster.tryKubectl(status)).status !== 0)
    if (performance.now() > deadline)
      throw new Error(`the Deployment is not rolled out after ${rolloutMs / 1000} s`);
}

/** Runs the client of this folder inside the network namespace of the pod `client`. */
async function startClient(
  cluster: Cluster,
  address: string,
): Promise<{ readonly end: () => Promise<Rollout["client"]> }> {
  const pid = await pidOfClient(cluster);
  const script = join(import.meta.dirname, "client.ts");
  const argv = [`--net=/proc/${pid}/ns/net`, "--", process.execPath, script, address, String(port)];
  const child = spawn("nsenter", argv, { stdio: ["ignore", "pipe", "inherit"] });
  const said = text(child.stdout);
  return {
    end: async () => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
      return v.parse(countsSchema, JSON.parse(await said));
    },
  };
}

async function pidOfClient(cluster: Cluster): Promise<number> {
  const field = (path: string): Promise<string> =>
    cluster.kubectl(["-n", namespace, "get", "pod", "client", "-o", `jsonpath=${path}`]);
  const [node, id] = [
    await field("{.spec.nodeName}"),
    await field("{.status.containerStatuses[0].containerID}"),
  ];
  const place = cluster.places.nodes.find(({ host }) => host.name === node);
  if (!place) throw new Error(`pod ${namespace}/client is on node "${node}", which this cluster has not`);
  const tasks = await ctr(place, "tasks", "list");
  const line = tasks.split("\n").find((each) => each.startsWith(id.replace("containerd://", "")));
  const pid = Number(line?.split(/\s+/)[1]);
  if (!Number.isInteger(pid))
    throw new Error(`containerd of ${node} has no task of pod ${namespace}/client (${id})`);
  return pid;
}

function objects(replicas: number, graceSeconds: number): object {
  const metadata = { name: "web", namespace };
  const labels = { app: "web" };
  const server = {
    name: "web",
    image: agnhostImage,
    args: ["netexec", "--http-port=8080"],
    readinessProbe: { httpGet: { path: "/hostname", port: 8080 }, periodSeconds: 1 },
    ...(graceSeconds > 0 && { lifecycle: { preStop: { sleep: { seconds: graceSeconds } } } }),
  };
  const items = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [server] } },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector: labels, ports: [{ port, targetPort: 8080 }] },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "client", namespace },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "pause", image: agnhostImage, args: ["pause"] }],
      },
    },
  ];
  return { apiVersion: "v1", kind: "List", items };
}
