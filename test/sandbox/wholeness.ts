// After faults, is everything as if nothing had happened? Asks the pods of a namespace, the northbound database and the
// nodes' Open vSwitch. Each check names what is wrong, and where.

import assert from "node:assert/strict";
import { becomes, type Cluster, type Question } from "./cluster.ts";

interface Row {
  readonly pod: string;
  readonly node: string;
  readonly addresses: readonly string[];
}

/** Waits until every pod of `namespace` runs and answers, and until nothing exists that should not. */
export async function expectWhole(cluster: Cluster, namespace: string): Promise<void> {
  const leaving = "{range .items[?(@.metadata.deletionTimestamp)]}{.metadata.name} {end}";
  await becomes("no pod is leaving", "", () =>
    cluster.kubectl("get", "pods", "-n", namespace, "-o", `jsonpath=${leaving}`),
  );
  await cluster.podsReady(namespace);
  const pods = await podsOf(cluster, namespace);
  const taken = pods.flatMap(({ addresses }) => addresses);
  assert.equal(taken.length, 2 * pods.length, "every pod has two addresses");
  assert.equal(new Set(taken).size, taken.length, "no address is doubled");

  const wanted = pods.map(({ pod, addresses }) => `weft_pod_${namespace}_${pod} ${addresses.join(" ")}`);
  await becomes("the ports of pods are those of living pods", wanted.toSorted(byText), () => ports(cluster));
  for (const { host } of cluster.sandbox.nodes) {
    const names = pods.filter(({ node }) => node === host.name).map(({ pod }) => `${namespace}/${pod}`);
    await becomes(`interfaces in Open vSwitch of ${host.name}`, names.toSorted(byText), () =>
      interfaces(cluster, host.name),
    );
    await becomes(`links of ${host.name}`, names.length, () => links(cluster, host.name));
  }

  const questions = taken.map((address): Question => ({ way: "tcp", address, port: 8080 }));
  const askers = new Map(pods.map(({ node, pod }) => [node, `${namespace}/${pod}`]));
  for (const asker of askers.values()) assert.deepEqual(await cluster.failures(asker, questions), []);

  await becomes("nothing is left to do or undo", "nothing to do", async () =>
    (await cluster.dryRun()).stdout.trim(),
  );
  await becomes("healthy", 0, async () => (await cluster.weft("status")).status);
}

async function podsOf(cluster: Cluster, namespace: string): Promise<readonly Row[]> {
  const path = "{range .items[*]}{.metadata.name} {.spec.nodeName} {.status.podIPs[*].ip}{'\\n'}{end}";
  const text = await cluster.kubectl("get", "pods", "-n", namespace, "-o", `jsonpath=${path}`);
  return lines(text).map((line) => {
    const [pod = "", node = "", ...addresses] = line.split(" ");
    return { pod, node, addresses };
  });
}

/** Names and addresses of pods' ports in the northbound database, without the MAC. */
async function ports(cluster: Cluster): Promise<readonly string[]> {
  const columns = "--columns=name,addresses";
  const csv = await cluster.northbound(
    "-f",
    "csv",
    "-d",
    "bare",
    "--no-headings",
    columns,
    "list",
    "Logical_Switch_Port",
  );
  return lines(csv)
    .filter((line) => line.startsWith("weft_pod_"))
    .map((line) => line.replaceAll('"', "").replace(/,\S+/, ""))
    .toSorted(byText);
}

/** `namespace/name` of each pod that has an interface in the node's Open vSwitch. */
export async function interfaces(
  cluster: Pick<Cluster, "sandbox">,
  node: string,
): Promise<readonly string[]> {
  const found = await cluster.sandbox
    .host(node)
    .exec(["ovs-vsctl", "-f", "json", "--columns=external_ids", "list", "Interface"]);
  return [...found.matchAll(/\["weft\.io\/pod","([^"]*)"\]/g)].map(([, pod = ""]) => pod).toSorted(byText);
}

/** The number of pods' links on the node. */
export async function links(cluster: Pick<Cluster, "sandbox">, node: string): Promise<number> {
  const found = await cluster.sandbox.host(node).exec(["ip", "-br", "link", "show", "type", "veth"]);
  return lines(found).filter((line) => /^w[0-9a-f]{14}@/.test(line)).length;
}

const lines = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");
const byText = (a: string, b: string): number => a.localeCompare(b, "en");
