// TCP connections that last: in each client pod one connection, over which a number goes to the server and back five times
// a second. A client whose connection ends does not open another one, so its pod ends with it.

import { type Cluster, until } from "../cluster/cluster.ts";
import { agnhostImage } from "../images/images.ts";

export const namespace = "life";
export const nodePort = 30_700;
const port = 7000;

const pod = (name: string, node: string, command: readonly string[]): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { namespace, name, labels: { app: name } },
  spec: {
    nodeName: node,
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "main", image: agnhostImage, command }],
  },
});

const server = (name: string, node: string): object =>
  pod(name, node, ["socat", `TCP6-LISTEN:${port},fork,reuseaddr,ipv6only=0`, "EXEC:cat"]);

const client = (name: string, node: string, target: string): object =>
  pod(name, node, [
    "bash",
    "-c",
    `number=0; while sleep 0.2; do echo $((++number)); done | socat - TCP:${target} | while read back; do echo $back; done`,
  ]);

const bracketed = (address: string): string => (address.includes(":") ? `[${address}]` : address);

/** Starts a server on the last node, behind a Service with a node port, and a client for each way to it. */
export async function startStreams(cluster: Cluster): Promise<readonly string[]> {
  const { nodes } = cluster.places;
  const [first, last] = [nodes[0], nodes.at(-1)];
  if (!first || !last) throw new Error("no nodes");
  const value = async (of: string, path: string): Promise<string> =>
    (await cluster.kubectl(["-n", namespace, "get", of, "-o", `jsonpath={${path}}`])).trim();
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace, name: "server" },
    spec: { type: "NodePort", selector: { app: "server" }, ports: [{ port, nodePort }] },
  };
  await applyAll(cluster, [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    server("server", last.host.name),
    service,
  ]);
  await ready(cluster, "server");
  const addresses = (await value("pod/server", ".status.podIPs[*].ip")).split(" ");
  const targets = new Map([
    ...addresses.map((address): [string, string] => [`to-pod-${address.includes(":") ? 6 : 4}`, address]),
    ["to-service", await value("service/server", ".spec.clusterIP")],
  ]);
  const clients = [...targets].map(([name, address]) =>
    client(name, first.host.name, `${bracketed(address)}:${port}`),
  );
  // By the node that has no server.
  const entry = `${bracketed(first.addresses[0] ?? "")}:${nodePort}`;
  await applyAll(cluster, [...clients, client("to-node-port", last.host.name, entry)]);
  const names = [...targets.keys(), "to-node-port"];
  await streamsGoOn(cluster, names);
  return names;
}

/** Resolves when each client has got another number back. Rejects when one has lost its connection, or gets nothing. */
export async function streamsGoOn(cluster: Cluster, clients: readonly string[]): Promise<void> {
  await Promise.all(
    clients.map(async (name) => {
      const before = await lastNumber(cluster, name);
      await until(`${name} gets a number after ${before}`, async () => {
        const phase = await cluster.kubectl([
          ...["-n", namespace, "get", "pod", name, "-o", "jsonpath={.status.phase}"],
        ]);
        if (phase === "Failed" || phase === "Succeeded")
          throw new Error(`the connection of ${name} has ended after number ${before}`);
        return (await lastNumber(cluster, name)) > before;
      });
    }),
  );
}

async function lastNumber(cluster: Cluster, name: string): Promise<number> {
  const { status, stdout } = await cluster.tryKubectl(["-n", namespace, "logs", name, "--tail=1"]);
  return status === 0 ? Number(stdout.trim()) : 0;
}

/** Makes a pod on each of these nodes, waits for all, and removes them: the network still serves new ones. */
export async function newPodsStart(
  cluster: Cluster,
  nodes = cluster.places.nodes.map(({ host }) => host.name),
): Promise<void> {
  const names = nodes.map((node) => `new-${node}`);
  await applyAll(
    cluster,
    nodes.map((node) => pod(`new-${node}`, node, ["sleep", "3600"])),
  );
  for (const name of names) await ready(cluster, name);
  await cluster.kubectl(["-n", namespace, "delete", "pod", ...names]);
}

const applyAll = (cluster: Cluster, objects: readonly object[]): Promise<void> =>
  cluster.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));

const ready = (cluster: Cluster, name: string): Promise<string> =>
  cluster.kubectl(["-n", namespace, "wait", "--for=condition=Ready", `pod/${name}`, "--timeout=100s"]);
