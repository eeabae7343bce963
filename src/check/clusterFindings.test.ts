import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { test } from "node:test";
import { clusterNetwork, defaultJoin } from "../config/ranges.ts";
import { KubeClient } from "../kube/client.ts";
import { record, text } from "../kube/json.ts";
import type { ClusterFacts } from "./clusterFacts.ts";
import { clusterFindings } from "./clusterFindings.ts";
import { rightsFindings, rightsOf } from "./rights.ts";

const network = clusterNetwork({ pods: ["10.244.0.0/16"], services: ["10.96.0.0/16"], join: defaultJoin });
const good: ClusterFacts = {
  serverVersion: "v1.37.2",
  nodes: [
    { name: "n1", internalIps: ["10.0.0.11"], isControlPlane: true },
    { name: "n2", internalIps: ["10.0.0.12"], isControlPlane: false },
  ],
  daemonSets: ["weft/weft-agent", "kube-system/node-local-dns"],
  apiAddresses: ["10.96.0.1"],
  apiEndpoints: ["10.0.0.11", "192.0.2.10"],
  rights: [],
  schemas: new Map([["OVN_Northbound", "7.11.0"]]),
  clusters: ["weft"],
  unknown: [],
};

const wrongIn = (facts: Partial<ClusterFacts>, mode: "overlay" | "underlay" = "overlay"): readonly string[] =>
  clusterFindings({ ...good, ...facts }, { network, cluster: "weft", mode })
    .filter(({ severity }) => severity !== "fine")
    .map(({ severity, what }) => `${severity}: ${what}`);

const wrong: readonly (readonly [string, Partial<ClusterFacts>, readonly string[]])[] = [
  ["a good cluster", {}, []],
  [
    "a second plugin",
    { daemonSets: ["kube-flannel/kube-flannel-ds"] },
    ["refusal: flannel runs in this cluster"],
  ],
  ["kube-proxy", { daemonSets: ["kube-system/kube-proxy"] }, ["warning: kube-proxy runs in this cluster"]],
  [
    "a node inside a range",
    { nodes: [{ name: "n1", internalIps: ["10.244.0.11"], isControlPlane: false }] },
    ["refusal: the address 10.244.0.11 of node n1 is in the range 10.244.0.0/16 of pods"],
  ],
  [
    "an API server on a node without the label",
    { apiEndpoints: ["10.0.0.12"] },
    [
      "warning: the Service kubernetes leads to 10.0.0.12 on node n2, which has no label node-role.kubernetes.io/control-plane",
    ],
  ],
  [
    "another range of Services",
    { apiAddresses: ["172.20.0.1"] },
    ["refusal: the Service kubernetes has the address 172.20.0.1, which is in none of 10.96.0.0/16"],
  ],
  [
    "an older OVN",
    { schemas: new Map([["OVN_Northbound", "6.1.0"]]) },
    ["warning: OVN_Northbound has schema 6.1.0, older than 7.0.0"],
  ],
  [
    "another cluster's rows",
    { clusters: ["shop"] },
    ["warning: the northbound database has rows of shop, and this is weft"],
  ],
];
for (const [what, facts, expected] of wrong)
  test(`${what}: ${expected[0] ?? "nothing to say"}`, () => assert.deepEqual(wrongIn(facts), expected));

test("clusters share the northbound database of a cloud", () => {
  assert.deepEqual(wrongIn({ clusters: ["shop"] }, "underlay"), []);
});

test("each right is asked for by verb, and those that are missing are named", async () => {
  const asked: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { verb, resource, subresource, namespace } = record(
      record(record(JSON.parse(body)).spec).resourceAttributes,
    );
    asked.push([verb, resource, subresource, namespace].map(text).join(" "));
    const allowed = !(resource === "pods" && verb === "patch") && resource !== "leases";
    response.writeHead(201, { "content-type": "application/json" });
    response.end(JSON.stringify({ status: { allowed } }));
  };
  const server = createServer((request, response) => void answer(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const at = typeof address === "object" && address ? address.port : 0;
  using client = new KubeClient({ server: `http://127.0.0.1:${at}`, namespace: "default" });
  const findings = await rightsFindings({
    client,
    role: "controller",
    cluster: "weft",
    leaseNamespace: "weft",
    signal: AbortSignal.timeout(5000),
  });
  server.close();
  server.closeAllConnections();
  assert.deepEqual(
    findings.map(({ severity, what }) => `${severity}: ${what}`),
    [
      "refusal: this identity may not patch pods",
      "refusal: this identity may not get, list, watch, create, update leases.coordination.k8s.io in weft",
    ],
  );
  assert.equal(asked.length, rightsOf("controller", "weft").flatMap(({ verbs }) => verbs).length);
  assert.ok(asked.includes("patch nodes status "));
  assert.ok(asked.includes("create leases  weft"));
});
