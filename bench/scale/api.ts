// A process with the embedded Kubernetes API, loaded with a large cluster: `node api.ts STATE SCALE`, the scale as JSON.
// Writes STATE/kubeconfig, prints a line when it is ready, and ends with its standard input.

import { join } from "node:path";
import { endpointSlices as endpointSliceKind } from "../../sandbox/api/kinds/endpointslice.ts";
import { namespaces as namespaceKind } from "../../sandbox/api/kinds/namespace.ts";
import { networkPolicies as policyKind } from "../../sandbox/api/kinds/networkpolicy.ts";
import { nodes as nodeKind } from "../../sandbox/api/kinds/node.ts";
import { pods as podKind } from "../../sandbox/api/kinds/pod.ts";
import { services as serviceKind } from "../../sandbox/api/kinds/service.ts";
import { writeKubeconfig } from "../../sandbox/api/kubeconfig.ts";
import { startApi } from "../../sandbox/api/start.ts";
import { endpointSlices, namespaces, nodes, pods, policies, type Scale, services } from "./objects.ts";

const [stateDir = "", text = ""] = process.argv.slice(2);
const scale: Scale = JSON.parse(text);

await using api = await startApi({
  stateDir,
  host: "127.0.0.1",
  port: 0,
  names: ["127.0.0.1"],
  serviceCidrs: ["10.96.0.0/16"],
  endpoints: ["192.0.2.1"],
  kubeletSocket: () => "/nonexistent",
  historyLength: 20_000,
});
for (const [kind, objects] of [
  [namespaceKind, namespaces(scale)],
  [nodeKind, nodes(scale)],
  [podKind, pods(scale)],
  [serviceKind, services(scale)],
  [endpointSliceKind, endpointSlices(scale)],
  [policyKind, policies(scale)],
] as const)
  api.store.load(kind, objects.map(kind.defaults));
await writeKubeconfig(join(stateDir, "kubeconfig"), api.credentials);
console.log("ready");
process.stdin.resume();
await new Promise((resolve) => process.stdin.once("end", resolve));
