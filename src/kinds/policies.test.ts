import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServicePort } from "../kube/objects.ts";
import { policyStores } from "../kube/policies.ts";
import { aClusterPolicy, aPolicy } from "../kube/policyFixture.ts";
import { emptyStore } from "../kube/stores.ts";
import { policiesUsing } from "./policies.ts";

const port = (name: string): ServicePort => ({ name, protocol: "TCP", port: 8080 });

test("a pod matters to the policies that have one of its ports by name, each once, whatever their kind", () => {
  const stores = policyStores(emptyStore);
  const rule = (...ports: readonly (string | number)[]) => ({
    peers: undefined,
    ports: ports.map((one) => ({
      protocol: "TCP" as const,
      port: typeof one === "string" ? one : { from: one, to: one },
    })),
  });
  const policies = [
    aPolicy("both", { ingress: [rule("web", "admin")], egress: [rule("web")] }),
    aPolicy("other", { ingress: [rule("metrics")] }),
    aPolicy("number", { ingress: [rule(8080)] }),
  ];
  stores.NetworkPolicy.apply(policies.map((object) => ({ type: "put", object })));
  const ofCluster = aClusterPolicy("teams", {
    egress: [{ action: "Deny", index: 0, name: "", peers: [], ports: [{ name: "admin" }] }],
  });
  stores.ClusterNetworkPolicy.apply([{ type: "put", object: ofCluster }]);
  const names = policiesUsing({ namedPorts: [port("web"), port("admin")] }, stores).map(({ name }) => name);
  assert.deepEqual(names, ["both", "teams"]);
  assert.deepEqual(policiesUsing({ namedPorts: [port("dns")] }, stores), []);
  assert.deepEqual(policiesUsing({}, stores), []);
});
