// Whether the API server keeps each of Weft's agents to its own Node and Lease (deploy/helm/weft/templates/admission.yaml). It is
// asked with tokens as the agents' pods have them; all requests are dry runs.

import { agentLeaseName } from "../../../src/kube/agentLease.ts";
import { KubeClient } from "../../../src/kube/client.ts";
import type { ClusterConfig } from "../../../src/kube/config.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { kinds } from "../../../src/kube/kinds.ts";
import { loadKubeconfig } from "../../../src/kube/kubeconfig.ts";
import { leases, pathOf } from "../../../src/kube/resource.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Row } from "./verdict.ts";

const namespace = "kube-system";
const query = { dryRun: "All" };

type Write = readonly [what: string, isAllowed: boolean, ask: (client: KubeClient) => Promise<unknown>];

const annotate = (node: string) => (client: KubeClient) =>
  client.patch(
    pathOf(kinds.Node, "", node),
    { metadata: { annotations: { "weft.io/tried": "" } } },
    { query },
  );

const renew = (cluster: string, node: string) => (client: KubeClient) =>
  client.create(
    pathOf(leases, namespace),
    {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { namespace, name: agentLeaseName(cluster, node) },
      spec: { holderIdentity: node },
    },
    { query },
  );

const writes = (cluster: string, own: string, other: string): readonly Write[] => [
  ["annotate its Node", true, annotate(own)],
  ["annotate another Node", false, annotate(other)],
  [
    "write another Node's conditions",
    false,
    (client) =>
      client.patch(pathOf(kinds.Node, "", other, "status"), { status: { conditions: [] } }, { query }),
  ],
  [
    "label its Node",
    false,
    (client) => client.patch(pathOf(kinds.Node, "", own), { metadata: { labels: { a: "b" } } }, { query }),
  ],
  [
    "cordon its Node",
    false,
    (client) => client.patch(pathOf(kinds.Node, "", own), { spec: { unschedulable: true } }, { query }),
  ],
  ["make its Lease", true, renew(cluster, own)],
  ["make another's Lease", false, renew(cluster, other)],
];

/** One row for each thing that the first node's agent tries; none where agents are not pods. */
export async function ownNodeRows(
  cluster: Pick<Cluster, "kubectl" | "places">,
  clusterId: string,
): Promise<readonly Row[]> {
  const columns = "-o=jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName}{'\\n'}{end}";
  const pods = await cluster.kubectl(["get", "pods", "-n", namespace, "-l", "app=weft-node", columns]);
  const [first, second] = pods
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(" "));
  if (!first || !second) return [];
  const [pod = "", own = ""] = first;
  const bound = ["--bound-object-kind=Pod", `--bound-object-name=${pod}`];
  const token = (await cluster.kubectl(["create", "token", "weft-agent", "-n", namespace, ...bound])).trim();
  const { clientCert: _, clientKey: __, ...reached } = await loadKubeconfig(cluster.places.kubeconfig);
  const asAgent: ClusterConfig = { ...reached, token: async () => token };
  using client = new KubeClient(asAgent);
  const rows: Row[] = [];
  for (const [what, isAllowed, ask] of writes(clusterId, own, second[1] ?? "")) {
    const refusal = await ask(client).then(
      () => undefined,
      (error: unknown) => refusalIn(error),
    );
    const isGood = (refusal === undefined) === isAllowed;
    rows.push({
      name: `an agent that wants to ${what} ${isAllowed ? "may" : "may not"}`,
      group: "each agent and its own Node",
      outcome: isGood ? "passed" : "failed",
      reason: isGood ? "" : (refusal ?? "it was allowed"),
      seconds: 0,
    });
  }
  return rows;
}

/** Who is asked for a Lease that exists has passed the admission. */
function refusalIn(error: unknown): string | undefined {
  if (!(error instanceof KubeError)) throw error;
  return error.status === 409 ? undefined : error.message;
}
