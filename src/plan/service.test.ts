import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Endpoint, EndpointSlice, Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import { formatIp, parseCidr, parseInterfaceAddress, parseIp } from "../model/ip.ts";
import type { ResolvedNode } from "../model/network.ts";
import { northboundScope } from "../model/scope.ts";
import { rowUuid } from "../model/uuid.ts";
import { balanced } from "./endpoints.ts";
import { Hosts, hostViewOf } from "./hosts.ts";
import { type KnownHosts, serviceFacts } from "./service.ts";

const meta = {
  namespace: "shop",
  uid: "u",
  resourceVersion: "1",
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
};
const port = { name: "http", protocol: "TCP", port: 80 } as const;
const service: Service = {
  ...meta,
  kind: "Service",
  name: "web",
  type: "ClusterIP",
  clusterIps: ["10.96.0.10", "fd00:10:96::10"],
  ports: [port],
  hasSelector: true,
  affinitySeconds: 0,
  publishNotReadyAddresses: false,
};
const anEndpoint = (address: string, change: Partial<Endpoint> = {}): Endpoint => ({
  addresses: [address],
  ready: true,
  serving: true,
  terminating: false,
  nodeName: "",
  ...change,
});
const aSlice = (endpoints: readonly Endpoint[], change: Partial<EndpointSlice> = {}): EndpointSlice => ({
  ...meta,
  kind: "EndpointSlice",
  name: "web-1",
  serviceName: "web",
  addressType: "IPv4",
  endpoints,
  ports: [{ name: "http", protocol: "TCP", port: 8080 }],
  ...change,
});
const noHosts = new Hosts([]);
const factsOf = (of: Service, slices: readonly EndpointSlice[], hosts = noHosts): readonly Fact[] =>
  serviceFacts(northboundScope("demo", "global"), "service/shop/web", of, balanced(of, slices).vips, hosts);
/** virtual address -> backends */
const vipsIn = (facts: readonly Fact[]): ReadonlyMap<unknown, readonly string[]> =>
  new Map(
    facts.flatMap((fact) =>
      fact.kind === "row" && fact.columns.get("vips") instanceof Map
        ? [...(fact.columns.get("vips") as ReadonlyMap<string, string>)].map(
            ([vip, backends]) => [vip, backends.split(",").filter(Boolean)] as const,
          )
        : [],
    ),
  );
const backendsOf = (of: Service, slices: readonly EndpointSlice[]): readonly string[] | undefined =>
  vipsIn(factsOf(of, slices)).get("10.96.0.10:80");
const leaving = { ready: false, terminating: true };

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

const aNode = (n: number): ResolvedNode => ({
  name: `n${n}`,
  id: n + 1,
  subnets: [`10.244.${n}.0/24`, `fd00:10:244:${n}::/64`].flatMap((text) => parseCidr(text) ?? []),
  chassisId: `c${n}`,
  gateway: {
    mac: "0a:58:ac:1e:00:0b",
    addresses: [`172.30.0.1${n}/24`, `fd00:172:30::1${n}/64`].flatMap((t) => parseInterfaceAddress(t) ?? []),
    nextHops: [],
    mtuBytes: 1500,
  },
  hostAddresses: [`172.30.0.1${n}`, `fd00:172:30::1${n}`].flatMap((text) => parseIp(text) ?? []),
  isControlPlane: true,
});
const nodes = [1, 2, 3].map(aNode);
const hostsOf = (list: readonly ResolvedNode[]): Hosts => {
  const hosts = new Hosts([]);
  for (const node of list) hosts.set(node.name, hostViewOf(node));
  return hosts;
};
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

const onNode = (n: number, last: number, change: Partial<Endpoint> = {}): Endpoint =>
  anEndpoint(`10.244.${n}.${last}`, { nodeName: `n${n}`, ...change });
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

const inZone = (n: number, zone?: string): ResolvedNode => ({ ...aNode(n), ...(zone && { zone }) });
const hintedAt = (n: number, last: number, zones: readonly string[], nodeNames: readonly string[] = []) =>
  onNode(n, last, { hints: { zones, nodes: nodeNames } });
const single: Service = { ...service, clusterIps: ["10.96.0.10"] };
/** Each balancer with what it leads to, and who has it. */
const having = (facts: readonly Fact[]): readonly string[] => {
  const rows = facts.flatMap((fact) => (fact.kind === "row" && fact.table === "Load_Balancer" ? [fact] : []));
  const { names } = northboundScope("demo", "global");
  const places = new Map(
    [
      ...[undefined, "a", "b", "c"].map((zone) => [
        `zone ${zone}`,
        "Load_Balancer_Group",
        names.zoneGroup(zone),
      ]),
      ...["n1", "n2", "n3"].map((node) => [node, "Logical_Switch", names.nodeSwitch(node)]),
      ["all", "Load_Balancer_Group", names.serviceGroup],
      ["machines", "Load_Balancer_Group", names.machineGroup],
    ].map(([place = "", table, name = ""]) => {
      const scope = northboundScope("demo", "global");
      return [
        rowUuid(scope.cluster, table === "Logical_Switch" ? table : "Load_Balancer_Group", name),
        place,
      ];
    }),
  );
  return rows.map(({ uuid, columns }) => {
    const vips = columns.get("vips") as ReadonlyMap<string, string>;
    const at = facts.flatMap((fact) =>
      fact.kind === "member" && fact.value === uuid ? [places.get(fact.uuid) ?? fact.table] : [],
    );
    return `${[...vips].map((vip) => vip.join("=")).join(" ")} at ${at.join(", ")}`;
  });
};

test("clients in a zone have the endpoints hinted at it, and clients elsewhere all of them", () => {
  const slices = [aSlice([hintedAt(1, 3, ["a"]), hintedAt(2, 3, ["b"]), hintedAt(2, 4, ["b", "gone"])])];
  const hosts = hostsOf([inZone(1, "a"), inZone(2, "b"), inZone(3)]);
  assert.deepEqual(having(factsOf(single, slices, hosts)), [
    "10.96.0.10:80=10.244.1.3:8080,10.244.2.3:8080,10.244.2.4:8080 at zone undefined",
    "10.96.0.10:80=10.244.1.3:8080 at zone a",
    "10.96.0.10:80=10.244.2.3:8080,10.244.2.4:8080 at zone b",
  ]);
});

test("switches that are no node's have all endpoints", () => {
  const slices = [aSlice([hintedAt(1, 3, ["a"], ["n1"]), hintedAt(2, 3, ["b"], ["n2"])])];
  const hosts = hostsOf([inZone(1, "a"), inZone(2, "b")]);
  const withMachines: KnownHosts = {
    hasMachines: true,
    node: (name) => hosts.node(name),
    nodes: () => hosts.nodes(),
    zones: () => hosts.zones(),
    targetOf: (ip) => ip,
  };
  const { vips } = balanced(single, slices);
  const facts = serviceFacts(
    northboundScope("demo", "global"),
    "service/shop/web",
    single,
    vips,
    withMachines,
  );
  assert.deepEqual(having(facts), [
    "10.96.0.10:80=10.244.1.3:8080,10.244.2.3:8080 at machines",
    "10.96.0.10:80=10.244.1.3:8080 at n1",
    "10.96.0.10:80=10.244.2.3:8080 at n2",
  ]);
});

test("hints count only if every ready endpoint has one", () => {
  const hosts = hostsOf([inZone(1, "a"), inZone(2, "b"), inZone(3)]);
  const all = "10.96.0.10:80=10.244.1.3:8080,10.244.2.3:8080 at all";
  const [one, unhinted] = [hintedAt(1, 3, ["a"], ["n1"]), onNode(2, 3)];
  assert.deepEqual(having(factsOf(single, [aSlice([one, unhinted])], hosts)), [all]);
  const leavers = [hintedAt(1, 3, ["a"]), hintedAt(2, 3, ["b"])].map((end) => ({ ...end, ...leaving }));
  assert.deepEqual(having(factsOf(single, [aSlice(leavers)], hosts)), [all], "none is ready");
  const waiting = onNode(3, 3, { ready: false, serving: false });
  assert.deepEqual(
    having(factsOf(single, [aSlice([one, hintedAt(2, 3, ["b"], ["n2"]), waiting])], hosts)).length,
    3,
    "one that is not ready needs no hint",
  );
});

test("clients on a node have its endpoints, others those of their zone, and the rest all", () => {
  const slices = [
    aSlice([hintedAt(1, 3, ["a"], ["n1"]), hintedAt(2, 3, ["b"], ["n2"]), hintedAt(2, 4, ["b"], ["n2"])]),
  ];
  const at = (third?: string) =>
    having(factsOf(single, slices, hostsOf([inZone(1, "a"), inZone(2, "b"), inZone(3, third)])));
  const [n1, n2] = ["10.244.1.3:8080", "10.244.2.3:8080,10.244.2.4:8080"];
  const near = [`10.96.0.10:80=${n1} at n1`, `10.96.0.10:80=${n2} at n2`];
  assert.deepEqual(at("b"), [...near, `10.96.0.10:80=${n2} at n3`]);
  assert.deepEqual(at("c"), [`10.96.0.10:80=${n1},${n2} at n3`, ...near]);
});

test("a port without hints leads to all its endpoints beside one with hints", () => {
  const two: Service = { ...single, ports: [port, { ...port, name: "admin", port: 90 }] };
  const slices = [
    aSlice([hintedAt(1, 3, ["a"]), hintedAt(2, 3, ["b"])]),
    aSlice([onNode(1, 3), onNode(2, 3)], {
      name: "web-2",
      ports: [{ name: "admin", protocol: "TCP", port: 9090 }],
    }),
  ];
  const admin = "10.96.0.10:90=10.244.1.3:9090,10.244.2.3:9090";
  assert.deepEqual(having(factsOf(two, slices, hostsOf([inZone(1, "a"), inZone(2, "b")]))), [
    `10.96.0.10:80=10.244.1.3:8080 ${admin} at zone a`,
    `10.96.0.10:80=10.244.2.3:8080 ${admin} at zone b`,
  ]);
});

test("what is local anyway needs no hints", () => {
  const slices = [aSlice([hintedAt(1, 3, ["a"]), hintedAt(2, 3, ["b"])])];
  const plain = [aSlice([onNode(1, 3), onNode(2, 3)])];
  const local: Service = { ...single, internalTrafficPolicy: "Local" };
  const hosts = hostsOf([inZone(1, "a"), inZone(2, "b")]);
  assert.deepEqual(factsOf(local, slices, hosts), factsOf(local, plain, hosts));
});

test("hints at zones make facts by zones, not by nodes, and plain Services none more", () => {
  const many = Array.from({ length: 1000 }, (_, i) => ({
    ...inZone(1, ["a", "b", "c"][i % 3]),
    name: `n${i}`,
  }));
  const hosts = hostsOf(many);
  const count = (hinted: boolean): number =>
    factsOf(
      single,
      [aSlice(["a", "b", "c"].map((zone, i) => (hinted ? hintedAt(1, i + 3, [zone]) : onNode(1, i + 3))))],
      hosts,
    ).length;
  assert.equal(count(false), 2);
  assert.equal(count(true), 3 * 2);
});
