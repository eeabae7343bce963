// An application on every node of a cluster that changes its network plugin: on each node a server, a client that asks a
// Service five times a second and notes each answer on the node's disk, and pods behind that Service which a policy protects.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Cluster, until } from "../cluster/cluster.ts";
import type { NodePlaces } from "../cluster/places.ts";
import { agnhostImage } from "../images/images.ts";

const namespace = "shop";
const port = 8080;
const replicas = 3;
const folder = "/var/log/containers/asked";
const kubeletPort = 10_250;

/** Without a pause for the program that sends: one line for each request, `MILLISECONDS ok` or `MILLISECONDS lost`. */
const ask = `while sleep 0.2; do
  now=\${EPOCHREALTIME/./}
  if curl -s -f -o /dev/null -m 1 http://$WEB_SERVICE_HOST/hostname; then said=ok; else said=lost; fi
  echo "\${now%???} $said" >> /asked/log
done`;

const netexec = {
  name: "main",
  image: agnhostImage,
  args: ["netexec", `--http-port=${port}`],
  readinessProbe: { httpGet: { path: "/hostname", port }, periodSeconds: 1 },
};

const metadata = (name: string) => ({ name, namespace });

function workload(kind: "DaemonSet" | "Deployment", app: string, pod: object, more: object = {}): object {
  const labels = { app };
  return {
    ...{ apiVersion: "apps/v1", kind, metadata: metadata(app) },
    spec: {
      ...more,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, ...pod } },
    },
  };
}

/** On each node that takes pods, as far as there are enough; a Deployment's former pods do not count. */
const spread = {
  ...{ maxSkew: 1, topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "DoNotSchedule" },
  ...{ nodeTaintsPolicy: "Honor", matchLabelKeys: ["pod-template-hash"] },
  labelSelector: { matchLabels: { app: "web" } },
};

const objects: readonly object[] = [
  {
    ...{ apiVersion: "v1", kind: "Service", metadata: metadata("web") },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: port }] },
  },
  {
    ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: metadata("web") },
    spec: {
      podSelector: { matchLabels: { app: "web" } },
      ingress: [{ from: [{ podSelector: { matchLabels: { app: "client" } } }] }],
    },
  },
  workload("Deployment", "web", { topologySpreadConstraints: [spread], containers: [netexec] }, { replicas }),
  workload("DaemonSet", "server", { containers: [netexec] }),
  workload("DaemonSet", "client", {
    containers: [
      {
        ...{ name: "main", image: agnhostImage, command: ["bash", "-c", ask] },
        volumeMounts: [{ name: "asked", mountPath: "/asked" }],
      },
    ],
    volumes: [{ name: "asked", hostPath: { path: folder, type: "DirectoryOrCreate" } }],
  }),
];

export async function startHalves(cluster: Cluster): Promise<void> {
  const named = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
  const [service, ...others] = objects;
  // The Service before the pods, which learn its address from their environment.
  await cluster.apply(list([named, service]));
  await cluster.apply(list(others));
  await halvesRun(cluster);
}

const list = (items: readonly unknown[]): string => JSON.stringify({ apiVersion: "v1", kind: "List", items });

/** Rejects when a pod is missing or not ready. */
export async function halvesRun(cluster: Cluster): Promise<void> {
  for (const object of ["deployment/web", "daemonset/server", "daemonset/client"])
    await cluster.kubectl(["-n", namespace, "rollout", "status", object, "--timeout=110s"]);
}

interface Pod {
  readonly name: string;
  readonly node: string;
  readonly address: string;
}

export async function podsOf(cluster: Cluster, app: string): Promise<readonly Pod[]> {
  const path =
    '{range .items[*]}{.metadata.name} {.spec.nodeName} {.status.podIP} {.metadata.deletionTimestamp}{"\\n"}{end}';
  const printed = await cluster.kubectl([
    ...["-n", namespace, "get", "pods", "-l", `app=${app}`, "-o", `jsonpath=${path}`],
  ]);
  return printed
    .split("\n")
    .map((line) => line.split(" "))
    .flatMap(([name = "", node = "", address = "", leaving = ""]) =>
      address === "" || leaving !== "" ? [] : [{ name, node, address }],
    );
}

/** What a node's server reaches: `pod n2` of the servers, `node n2`, and `outside`. */
export async function reachedFrom(cluster: Cluster, node: string): Promise<readonly string[]> {
  const servers = await podsOf(cluster, "server");
  const asker = servers.find((server) => server.node === node);
  if (!asker) throw new Error(`no server runs on ${node}`);
  const [outside = ""] = cluster.sandbox.outside.host.addresses;
  const tries: readonly (readonly [what: string, command: string])[] = [
    ...servers.map((server): [string, string] => [
      `pod ${server.node}`,
      `nc -z -w 2 ${server.address} ${port}`,
    ]),
    ...cluster.places.nodes.map(({ host, addresses }): [string, string] => [
      `node ${host.name}`,
      `nc -z -w 2 ${addresses[0]} ${kubeletPort}`,
    ]),
    ["outside", `ping -c 1 -W 2 ${outside.replace(/\/.*/, "")}`],
  ];
  const script = tries.map(([what, command]) => `${command} > /dev/null 2>&1 && echo '${what}'`).join("\n");
  const printed = await cluster.kubectl([
    ...["-n", namespace, "exec", asker.name, "--", "sh", "-c", `${script}\ntrue`],
  ]);
  return printed.trim().split("\n").toSorted();
}

/** Starts the pods behind the Service anew, on all nodes. */
export async function spreadAnew(cluster: Cluster): Promise<void> {
  await cluster.kubectl(["-n", namespace, "rollout", "restart", "deployment/web"]);
  await halvesRun(cluster);
}

/** Rejects when a pod of the node cannot look up a name. */
export async function namesAreFoundFrom(cluster: Cluster, node: string): Promise<void> {
  const server = (await podsOf(cluster, "server")).find((each) => each.node === node);
  if (!server) throw new Error(`no server runs on ${node}`);
  const lookup = ["nslookup", `web.${namespace}.svc.cluster.local`];
  await cluster.kubectl(["-n", namespace, "exec", server.name, "--", ...lookup]);
}

/** Whether a pod that the policy does not name gets to the pods behind the Service. Both pods are on the same node. */
export async function strangerGetsIn(cluster: Cluster): Promise<boolean> {
  const [web] = await podsOf(cluster, "web");
  const stranger = (await podsOf(cluster, "server")).find(({ node }) => node === web?.node);
  if (!web || !stranger) throw new Error("no pod runs behind the Service");
  const { status } = await cluster.tryKubectl([
    ...["-n", namespace, "exec", stranger.name, "--", "nc", "-z", "-w", "2", web.address, String(port)],
  ]);
  return status === 0;
}

export interface Asked {
  readonly sent: number;
  readonly lost: number;
  /** Between two answers. */
  readonly longestGapMs: number;
}

/** What the client of a node has noted between two moments, in milliseconds since 1970. */
export function asked({ directory }: NodePlaces, from: number, to: number): Asked {
  const file = join(directory, "root", folder, "log");
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  const noted = lines
    .map((line) => line.split(" "))
    .map(([at, said]) => ({ at: Number(at), said }))
    .filter(({ at }) => at >= from && at < to);
  const answers = [from, ...noted.filter(({ said }) => said === "ok").map(({ at }) => at), to];
  return {
    sent: noted.length,
    lost: noted.filter(({ said }) => said === "lost").length,
    longestGapMs: Math.max(...answers.slice(1).map((at, index) => at - (answers[index] ?? at))),
  };
}

/** Waits until the client of each node has been answered after `from`. */
export const clientsAreAnswered = (nodes: readonly NodePlaces[]): Promise<void> => {
  const from = Date.now();
  return until("every client is answered", async () =>
    nodes.every((node) => {
      const { sent, lost } = asked(node, from, Date.now());
      return sent > lost;
    }),
  );
};
