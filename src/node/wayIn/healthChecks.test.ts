import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, suite, test } from "node:test";
import { silent } from "../../kube/clock.ts";
import { Interner } from "../../kube/intern.ts";
import type { Endpoint, EndpointSlice } from "../../kube/objects.ts";
import { serviceOf } from "../../kube/project.ts";
import { emptyStore } from "../../kube/stores.ts";
import { HealthChecks, healthAnswer, localEndpoints } from "./healthChecks.ts";

const anEndpoint = (address: string, nodeName: string, change: Partial<Endpoint> = {}): Endpoint => ({
  ...{ addresses: [address], ready: true, serving: true, terminating: false, nodeName },
  ...change,
});
const aSlice = (addressType: "IPv4" | "IPv6", ...endpoints: readonly Endpoint[]): EndpointSlice => ({
  ...{ kind: "EndpointSlice", namespace: "shop", name: `web-${addressType}`, uid: "u", resourceVersion: "1" },
  ...{ labels: {}, annotations: {}, deletionTimestamp: undefined },
  ...{ serviceName: "web", addressType, endpoints, ports: [] },
});

test("an endpoint counts if it is ready on the node, once for both families", () => {
  const slices = [
    aSlice(
      "IPv4",
      anEndpoint("10.244.0.3", "n1"),
      anEndpoint("10.244.0.3", "n1"),
      anEndpoint("10.244.0.4", "n1", { ready: false }),
      anEndpoint("10.244.0.5", "n1", { terminating: true }),
      anEndpoint("10.244.1.3", "n2"),
    ),
    aSlice("IPv6", anEndpoint("fd00:10:244::3", "n1"), anEndpoint("fd00:10:244:1::3", "n2")),
  ];
  assert.equal(localEndpoints(slices, "n1"), 1);
  assert.equal(localEndpoints(slices, "n3"), 0);
});

test("the answer is kube-proxy's", () => {
  const web = { namespace: "shop", name: "web" };
  assert.deepEqual(healthAnswer(web, 2, true), {
    status: 200,
    headers: {
      "content-type": "application/json",
      "x-content-type-options": "nosniff",
      "x-load-balancing-endpoint-weight": "2",
    },
    body: '{\n\t"service": {\n\t\t"namespace": "shop",\n\t\t"name": "web"\n\t},\n\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}',
  });
  assert.equal(healthAnswer(web, 0, true).status, 503);
  assert.equal(healthAnswer(web, 2, false).status, 503);
});

suite("a health check port", () => {
  const services = emptyStore("Service");
  const slices = emptyStore("EndpointSlice");
  const ending = new AbortController();
  let isHealthy = true;
  let port: number;

  const put = (spec: object): void => {
    const metadata = { namespace: "shop", name: "web", uid: "u", resourceVersion: "1" };
    const object = serviceOf({ metadata, spec: { type: "LoadBalancer", ...spec } }, new Interner());
    services.apply([{ type: "put", object: object ?? assert.fail() }]);
  };
  /** The status, or "refused". */
  const asked = async (): Promise<number | "refused"> => {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/healthz`);
      await response.text();
      return response.status;
    } catch {
      return "refused";
    }
  };
  const becomes = async (expected: number | "refused"): Promise<void> => {
    for (let tries = 0; (await asked()) !== expected; tries++) {
      assert.ok(tries < 200, `it is never ${expected}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  before(async () => {
    const probe = createServer().listen(0);
    await once(probe, "listening");
    const address = probe.address();
    port = typeof address === "object" && address ? address.port : assert.fail();
    probe.close();
    const checks = new HealthChecks({
      ...{ nodeName: "n1", services, slicesOf: () => slices },
      ...{ isHealthy: () => isHealthy, log: silent },
    });
    void checks.run(ending.signal);
    services.note({ synced: true });
    slices.note({ synced: true });
  });
  after(() => ending.abort());

  test("is there while a Service keeps the client's address, and says whether the node has endpoints", async () => {
    put({ externalTrafficPolicy: "Local", healthCheckNodePort: port });
    await becomes(503);
    slices.apply([{ type: "put", object: aSlice("IPv4", anEndpoint("10.244.0.3", "n1")) }]);
    await becomes(200);
    isHealthy = false;
    await becomes(503);
    put({ externalTrafficPolicy: "Cluster", healthCheckNodePort: port });
    await becomes("refused");
  });
});
