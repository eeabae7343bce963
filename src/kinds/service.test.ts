import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "../kube/objects.ts";
import { emptyStore, storesOf } from "../kube/stores.ts";
import { ownerOf, parseOwner } from "../model/owner.ts";
import { aNode, anEndpoint, aSlice, hostsOf, onNode, port, service } from "../plan/serviceFixture.ts";
import type { PlanContext } from "./kind.ts";
import { serviceKind } from "./service.ts";

test("a Service that keeps the client and leads to a server in a node's own network is told that it is not served", () => {
  const said = (change: Partial<Service>, endpoint = anEndpoint("172.30.0.12", { nodeName: "n2" })) => {
    const stores = storesOf(emptyStore);
    const object = {
      ...service,
      clusterIps: ["10.96.0.10"],
      ports: [{ ...port, nodePort: 31080 }],
      ...change,
    };
    stores.Service.apply([{ type: "put", object }]);
    stores.EndpointSlice.apply([{ type: "put", object: aSlice([endpoint]) }]);
    const owner = ownerOf("service", "web", "shop");
    const cloud = { serviceFacts: () => [] };
    const context: Partial<PlanContext<"Service" | "EndpointSlice">> = {
      ...{ stores, cloud: cloud as never },
      hosts: hostsOf([aNode(1), aNode(2)]),
    };
    const planned = serviceKind.plan(owner, parseOwner(owner), context as never);
    return typeof planned === "object" && "unserved" in planned ? planned.unserved : undefined;
  };
  const local = { externalTrafficPolicy: "Local" } as const;
  assert.match(said(local) ?? "", /externalTrafficPolicy: Local .* as 172\.30\.0\.12 on n2/);
  const outer = { ...local, ports: [port], ingressIps: ["198.51.100.1"] };
  assert.match(said(outer) ?? "", /clients from outside get no answer there/);

  assert.equal(said(local, onNode(2, 5)), undefined, "a pod");
  assert.equal(said({}), undefined, "another policy");
  assert.equal(said({ ...local, ports: [port] }), undefined, "nothing from outside");
});
