import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EndpointSlice, Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import { formatIp, parseCidr, parseIp } from "../model/ip.ts";
import { Hosts, hostViewOf } from "./hosts.ts";
import {
  aNode,
  anEndpoint,
  aSlice,
  backendsOf,
  factsOf,
  hostsOf,
  leaving,
  onNode,
  port,
  service,
  vipsIn,
} from "./serviceFixture.ts";

const choices: readonly (readonly [string, readonly EndpointSlice[], readonly string[]])[] = [
  ["no slice gives nothing", [], []],
  [
    "endpoints of two slices are joined, sorted, each once",
    [
      aSlice([anEndpoint("10.244.1.9"), anEndpoint("10.244.0.30")]),
      aSlice([anEndpoint("10.244.0.30"), anEndpoint("10.244.0.4")]),
    ],
    ["10.244.0.4:8080", "10.244.0.30:8080", "10.244.1.9:8080"],
  ],
  [
    "ready in one of two slices is ready",
    [aSlice([anEndpoint("10.244.0.3", { ready: false })]), aSlice([anEndpoint("10.244.0.3")])],
    ["10.244.0.3:8080"],
  ],
  [
    "terminating endpoints are left out while any endpoint is ready",
    [aSlice([anEndpoint("10.244.0.3", leaving), anEndpoint("10.244.0.4")])],
    ["10.244.0.4:8080"],
  ],
  [
    "a terminating endpoint that still serves is better than none",
    [aSlice([anEndpoint("10.244.0.3", leaving), anEndpoint("10.244.0.4", { ...leaving, serving: false })])],
    ["10.244.0.3:8080"],
  ],
  [
    "an endpoint that is neither ready nor terminating is never used",
    [aSlice([anEndpoint("10.244.0.3", { ready: false })])],
    [],
  ],
  [
    "only the first address of an endpoint counts",
    [aSlice([anEndpoint("10.244.0.3", { addresses: ["10.244.0.3", "10.244.0.4"] })])],
    ["10.244.0.3:8080"],
  ],
  [
    "addresses of the other family, and texts that are no address, are left out",
    [
      aSlice([anEndpoint("fd00::3"), anEndpoint("x"), anEndpoint("", { addresses: [] })]),
      aSlice([anEndpoint("fd00::4")], { addressType: "IPv6" }),
    ],
    [],
  ],
  [
    "a port of the same name but another protocol is another port",
    [aSlice([anEndpoint("10.244.0.3")], { ports: [{ name: "http", protocol: "UDP", port: 8080 }] })],
    [],
  ],
  [
    "a port without a number balances nothing",
    [aSlice([anEndpoint("10.244.0.3")], { ports: [{ name: "http", protocol: "TCP", port: undefined }] })],
    [],
  ],
];
for (const [what, slices, expected] of choices) {
  test(what, () => {
    assert.deepEqual(backendsOf(service, slices), expected);
  });
}

test("a Service that publishes endpoints that are not ready uses all of them", () => {
  const slices = [aSlice([anEndpoint("10.244.0.3", { ready: false }), anEndpoint("10.244.0.4", leaving)])];
  const early = { ...service, publishNotReadyAddresses: true };
  assert.deepEqual(backendsOf(early, slices), ["10.244.0.3:8080", "10.244.0.4:8080"]);
});

const nodes = [1, 2, 3].map(aNode);
const addresses = ["10.244.1.3", "10.244.2.3", "172.30.0.11", "172.30.0.12", "192.0.2.1"];

test("the facts of a Service do not depend on the order of slices, endpoints or nodes", () => {
  const slice = fc
    .array(fc.record({ at: fc.nat(addresses.length - 1), ready: fc.boolean() }), { maxLength: 5 })
    .map((list) =>
      aSlice(list.map(({ at, ready }) => anEndpoint(addresses[at] ?? "", { ready, terminating: !ready }))),
    );
  const shuffled = <T>(list: readonly T[]) => fc.shuffledSubarray([...list], { minLength: list.length });
  fc.assert(
    fc.property(
      fc.array(slice, { maxLength: 4 }).chain((slices) =>
        fc.tuple(
          fc.constant(slices),
          shuffled(slices).map((list) =>
            list.map((one) => ({ ...one, endpoints: one.endpoints.toReversed() })),
          ),
          shuffled(nodes),
        ),
      ),
      ([slices, otherSlices, otherNodes]) => {
        const facts = factsOf(service, slices, hostsOf(nodes));
        assert.deepEqual(factsOf(service, otherSlices, hostsOf(otherNodes)), facts);
      },
    ),
  );
});

test("a balancer sends traffic for a node's own address to its management address, in each family", () => {
  const slices = [
    aSlice(["10.244.1.3", "172.30.0.12", "192.0.2.1"].map((ip) => anEndpoint(ip))),
    aSlice([anEndpoint("fd00:172:30::13")], { addressType: "IPv6" }),
  ];
  const facts = factsOf(service, slices, hostsOf(nodes));
  assert.deepEqual(
    vipsIn(facts),
    new Map([
      ["10.96.0.10:80", ["10.244.1.3:8080", "10.244.2.2:8080", "192.0.2.1:8080"]],
      ["[fd00:10:96::10]:80", ["[fd00:10:244:3::2]:8080"]],
    ]),
  );
  assert.deepEqual(
    facts.map(({ kind, table }) => `${kind} ${table}`),
    ["row Load_Balancer", "member Load_Balancer_Group"],
  );
});

test("a Service with an endpoint in the network of one of a thousand nodes is as many facts as any other", () => {
  const many = Array.from({ length: 1000 }, (_, i) => {
    const host = parseIp(`172.30.${i >> 8}.${i & 255}`) ?? assert.fail();
    const subnets = [parseCidr(`10.${i >> 8}.${i & 255}.0/24`) ?? assert.fail()];
    const gateway = { mac: "", addresses: [{ ip: host, bits: 16 }], nextHops: [], mtuBytes: 1500 };
    return { name: `n${i}`, id: i + 2, subnets, chassisId: `c${i}`, gateway, hostAddresses: [host] };
  });
  const hosts = hostsOf(many);
  const planned = many.map(({ name, hostAddresses: [ip] }) => {
    const slice = aSlice([anEndpoint(ip ? formatIp(ip) : "", { nodeName: name })]);
    return factsOf({ ...service, name: `of-${name}` }, [slice], hosts).length;
  });
  assert.deepEqual(new Set(planned), new Set([factsOf(service, []).length]));
});

const nodePort: Service = { ...service, type: "NodePort", ports: [{ ...port, nodePort: 30_080 }] };
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const rowsOf = (facts: readonly Fact[]): readonly string[] =>
  facts.map((fact) => {
    if (fact.kind === "member") return `+ ${fact.table} ${fact.column}`;
    const vips = fact.columns.get("vips") as ReadonlyMap<string, string>;
    return `${textOf(fact.columns.get("name"))}: ${[...vips].map((vip) => vip.join("=")).join(" ")}`;
  });

test("a node port takes no facts of its own", () => {
  const slices = [aSlice([onNode(1, 3), onNode(2, 3)])];
  assert.deepEqual(factsOf(nodePort, slices, hostsOf(nodes)), factsOf(service, slices, hostsOf(nodes)));
});

test("with externalTrafficPolicy: Local each node with endpoints has a balancer for its port, on its switch and its gateway router", () => {
  const slices = [aSlice([onNode(1, 3), onNode(2, 3), onNode(2, 4)])];
  const local: Service = { ...nodePort, clusterIps: ["10.96.0.10"], externalTrafficPolicy: "Local" };
  assert.deepEqual(rowsOf(factsOf(local, slices, hostsOf(nodes))), [
    "demo_svc_shop_web_tcp: 10.96.0.10:80=10.244.1.3:8080,10.244.2.3:8080,10.244.2.4:8080",
    "+ Load_Balancer_Group load_balancer",
    "demo_svc_shop_web_tcp_n1: 169.254.0.7:30080=10.244.1.3:8080 172.30.0.11:30080=10.244.1.3:8080",
    "+ Logical_Switch load_balancer",
    "+ Logical_Router load_balancer",
    "demo_svc_shop_web_tcp_n2: 169.254.0.7:30080=10.244.2.3:8080,10.244.2.4:8080 172.30.0.12:30080=10.244.2.3:8080,10.244.2.4:8080",
    "+ Logical_Switch load_balancer",
    "+ Logical_Router load_balancer",
  ]);
});

test("with internalTrafficPolicy: Local the cluster address is each node's own, and a node port still leads to all endpoints", () => {
  const slices = [aSlice([onNode(1, 3), onNode(2, 3)])];
  const local: Service = { ...nodePort, clusterIps: ["10.96.0.10"], internalTrafficPolicy: "Local" };
  assert.deepEqual(rowsOf(factsOf(local, slices, hostsOf(nodes))), [
    "demo_svc_shop_web_tcp_n1: 10.96.0.10:80=10.244.1.3:8080",
    "+ Logical_Switch load_balancer",
    "demo_svc_shop_web_tcp_n2: 10.96.0.10:80=10.244.2.3:8080",
    "+ Logical_Switch load_balancer",
    "demo_svc_shop_web_tcp: 169.254.0.6:30080=10.244.1.3:8080,10.244.2.3:8080",
    "+ Load_Balancer_Group load_balancer",
  ]);
});

test("on each node by itself, endpoints that serve while they terminate are better than none", () => {
  const slices = [aSlice([onNode(1, 3), onNode(1, 4, leaving), onNode(2, 3, leaving)])];
  const local: Service = { ...service, clusterIps: ["10.96.0.10"], internalTrafficPolicy: "Local" };
  assert.deepEqual(
    rowsOf(factsOf(local, slices, hostsOf(nodes))).filter((row) => !row.startsWith("+")),
    [
      "demo_svc_shop_web_tcp_n1: 10.96.0.10:80=10.244.1.3:8080",
      "demo_svc_shop_web_tcp_n2: 10.96.0.10:80=10.244.2.3:8080",
    ],
  );
});

test("a local address without any endpoint is rejected everywhere, and no balancer is made for a node that nobody knows", () => {
  const local: Service = { ...service, clusterIps: ["10.96.0.10"], internalTrafficPolicy: "Local" };
  const empty = ["demo_svc_shop_web_tcp: 10.96.0.10:80=", "+ Load_Balancer_Group load_balancer"];
  assert.deepEqual(rowsOf(factsOf(local, [], hostsOf(nodes))), empty);
  assert.deepEqual(rowsOf(factsOf(local, [aSlice([onNode(7, 3)])], hostsOf(nodes))), []);
});

test("what a Service knows of a node makes it planned again when that changes: the node comes, or gets a gateway", () => {
  const hosts = new Hosts([]);
  hosts.follow("service/shop/web", [], ["n1"]);
  const { gateway: _, ...rest } = aNode(1);
  const young = { ...rest, gateway: undefined };
  assert.deepEqual([...hosts.set("n1", hostViewOf(young))], ["service/shop/web"]);
  assert.deepEqual([...hosts.set("n1", hostViewOf({ ...young, id: 9 }))], []);
  assert.deepEqual([...hosts.set("n1", hostViewOf(aNode(1)))], ["service/shop/web"]);
  assert.deepEqual([...hosts.set("n2", hostViewOf(aNode(2)))], []);
});

test("facts grow with Services and endpoints, not with Services times nodes", () => {
  const many = Array.from({ length: 1000 }, (_, i) => ({ ...aNode(1), name: `n${i}`, hostAddresses: [] }));
  const hosts = hostsOf(many);
  const count = (change: Partial<Service>, endpoints: number): number =>
    factsOf(
      { ...nodePort, ...change },
      [
        aSlice(
          Array.from({ length: endpoints }, (_, i) => anEndpoint(`10.1.0.${i + 1}`, { nodeName: `n${i}` })),
        ),
      ],
      hosts,
    ).length;
  assert.equal(count({}, 3), 2);
  assert.equal(count({}, 100), 2);
  assert.equal(count({ externalTrafficPolicy: "Local" }, 3), 2 + 3 * 3);
  assert.equal(count({ internalTrafficPolicy: "Local" }, 3), 2 + 3 * 2);
  // A thousand of the one sort, a hundred of each of the others, three endpoints each, on a thousand nodes.
  const all =
    1000 * count({}, 3) +
    100 * (count({ externalTrafficPolicy: "Local" }, 3) + count({ internalTrafficPolicy: "Local" }, 3));
  assert.equal(all, 3900);
});
