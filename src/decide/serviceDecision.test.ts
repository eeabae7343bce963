import assert from "node:assert/strict";
import { test } from "node:test";
import { addressPoolOf } from "../kube/addressPool.ts";
import { Interner } from "../kube/intern.ts";
import type { ObjectRef } from "../kube/kinds.ts";
import { announcementCondition, announcersText, grantCondition } from "../kube/outerAddresses.ts";
import { serviceOf } from "../kube/project.ts";
import { emptyStore, storesOf } from "../kube/stores.ts";
import { parseInterfaceAddress, parseIp } from "../model/ip.ts";
import type { ResolvedNode } from "../model/network.ts";
import { type Owner, ownerOf, parseOwner } from "../model/owner.ts";
import { PoolSearch } from "./allocate/poolSearch.ts";
import { aNode } from "./decidedFixture.ts";
import { cidr, network } from "./networkFixture.ts";
import { serviceDecision } from "./serviceDecision.ts";

const node: ResolvedNode = {
  ...{ name: "n1", id: 2, subnets: [], chassisId: undefined, gateway: undefined },
  hostAddresses: [parseIp("192.0.2.50") ?? assert.fail()],
};

const gateway = {
  ...{ mac: "02:00:00:00:00:01", nextHops: [], mtuBytes: 1500 },
  addresses: [parseInterfaceAddress("192.0.2.50/24") ?? assert.fail()],
};

/** A cluster of Services and pools whose statuses are written as an API server would. */
class World {
  readonly stores = storesOf(emptyStore);
  readonly told: string[] = [];
  readonly #raw = new Map<string, Record<string, unknown>>();
  #version = 0;
  refuseWrites = false;
  /** Address -> the FloatingAddress that has it */
  readonly floating = new Map<string, string>();
  readonly nodes = new Map([[node.name, node]]);
  readonly waiting = new Set<Owner>();
  readonly #decision = serviceDecision({
    network,
    externalIps: [cidr("203.0.113.0/24"), cidr("192.0.2.0/24"), cidr("10.0.0.0/8")],
    stores: this.stores,
    places: { nodes: () => this.nodes.values(), node: (name) => this.nodes.get(name) },
    hasGateways: true,
    taken: { promised: new Map(), waiting: this.waiting, byFloating: (ip) => this.floating.get(ip) },
    search: new PoolSearch(),
    write: async ({ namespace, name }: ObjectRef, status) => {
      if (this.refuseWrites) throw new Error("conflict");
      const raw = this.#raw.get(`${namespace}/${name}`) ?? assert.fail();
      const before = raw["status"] as object | undefined;
      const condition = (type: string, message: string) => ({
        conditions: [{ type, status: "True", message }],
      });
      this.put(name, raw["spec"] as object, {
        ...before,
        ...("ingress" in status
          ? { loadBalancer: { ingress: status.ingress.map((ip) => ({ ip, ipMode: "VIP" })) } }
          : "granted" in status
            ? condition(grantCondition, status.granted.join(", "))
            : condition(announcementCondition, announcersText(status.announcers))),
      });
    },
    tell: {
      announced: () => undefined,
      notGiven: ({ name }, reason, message) => this.told.push(`${name}: ${reason}: ${message}`),
    },
  });
  annotations: Readonly<Record<string, string>> = {};

  put(name: string, spec: object, status?: object, labels: object = {}): void {
    const raw = {
      metadata: {
        ...{ namespace: "shop", name, uid: `uid-${name}`, resourceVersion: String(++this.#version) },
        ...{ labels, annotations: this.annotations },
      },
      ...{ spec, status },
    };
    this.#raw.set(`shop/${name}`, raw);
    const object = serviceOf(raw, new Interner()) ?? assert.fail();
    this.stores.Service.apply([{ type: "put", object }]);
  }

  pool(name: string, addresses: readonly string[], more: object = {}): void {
    const metadata = { name, uid: `uid-${name}`, resourceVersion: String(++this.#version) };
    const object = addressPoolOf({ metadata, spec: { addresses, ...more } }, new Interner()) ?? assert.fail();
    this.stores.IPAddressPool.apply([{ type: "put", object }]);
  }

  async decide(...names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map((name) => this.#decision.decide(parseOwner(ownerOf("service", name, "shop")))),
    );
  }

  /** Deletes the Service; who is to be decided again? */
  delete(name: string): readonly Owner[] {
    const old = this.stores.Service.get("shop", name);
    this.stores.Service.apply([{ type: "remove", namespace: "shop", name }]);
    return [...this.#decision.reads.Service({ old, new: undefined }, this.stores)];
  }

  ipsOf(name: string): readonly string[] {
    return this.stores.Service.get("shop", name)?.ingressIps ?? [];
  }

  announcersOf(name: string): readonly string[] {
    const { announcers = [] } = this.stores.Service.get("shop", name) ?? {};
    return announcers.map(({ ip, node: by }) => `${ip} by ${by}`);
  }

  /** What the node says of itself from now on. */
  node(said: ResolvedNode): void {
    this.nodes.set(said.name, said);
    this.stores.Node.apply([{ type: "put", object: aNode(said.name, { networkUnavailable: false }) }]);
  }

  grantedTo(name: string): readonly string[] {
    return this.stores.Service.get("shop", name)?.grantedIps ?? [];
  }
}

const ports = [{ port: 80 }];
const balancer = { type: "LoadBalancer", clusterIPs: ["10.96.0.10"], ports };
const dual = { ...balancer, clusterIPs: ["10.96.0.10", "fd00:10:96::10"] };

test("a Service gets an address of each family that a pool has, and keeps it", async () => {
  const world = new World();
  world.pool("a", ["198.51.100.1-198.51.100.2", "2001:db8::/120"]);
  world.put("web", dual);
  world.put("four", balancer);
  await world.decide("web", "four");
  assert.deepEqual(world.ipsOf("web"), ["198.51.100.1", "2001:db8::"]);
  assert.deepEqual(world.ipsOf("four"), ["198.51.100.2"]);
  await world.decide("web");
  assert.deepEqual(world.ipsOf("web"), ["198.51.100.1", "2001:db8::"]);
  assert.deepEqual(world.told, []);
});

test("what another controller gave is left alone, be it an address, a host name or behind a proxy", async () => {
  const given = [
    { ip: "192.0.2.77" },
    { hostname: "lb.example.com" },
    { ip: "192.0.2.77", ipMode: "Proxy" },
  ] as const;
  for (const ingress of given)
    for (const pools of [["198.51.100.1"], []]) {
      const world = new World();
      if (pools.length > 0) world.pool("a", pools);
      const status = { loadBalancer: { ingress: [ingress] } };
      world.put("web", balancer, status);
      const before = world.stores.Service.get("shop", "web");
      await world.decide("web");
      assert.equal(world.stores.Service.get("shop", "web"), before, JSON.stringify(ingress));
      assert.deepEqual(world.told, []);
    }
});

test("what a FloatingAddress has is no Service's, be it of a pool or an external IP", async () => {
  const world = new World();
  world.pool("a", ["198.51.100.1-198.51.100.2"]);
  world.floating.set("198.51.100.1", "FloatingAddress shop/mail");
  world.floating.set("203.0.113.7", "FloatingAddress shop/mail");
  world.put("web", balancer);
  world.put("old", { clusterIPs: ["10.96.0.11"], ports, externalIPs: ["203.0.113.7", "203.0.113.8"] });
  await world.decide("web", "old");
  assert.deepEqual(world.ipsOf("web"), ["198.51.100.2"]);
  assert.deepEqual(world.grantedTo("old"), ["203.0.113.8"]);
  assert.deepEqual(world.told, [
    "old: AddressRefused: external IPs are not served: 203.0.113.7 is that of FloatingAddress shop/mail",
  ]);
});

test("when no address is left a Service is told once, and is decided again when one is free", async () => {
  const world = new World();
  world.pool("small", ["198.51.100.1/32"]);
  world.put("a", balancer);
  world.put("b", balancer);
  await world.decide("a");
  await world.decide("b");
  await world.decide("b");
  assert.deepEqual(world.told, [
    "b: NoAddress: no IPv4 address is left in small: add addresses to spec.addresses, or delete Services",
  ]);
  assert.ok(world.delete("a").includes(ownerOf("service", "b", "shop")));
  await world.decide("b");
  assert.deepEqual(world.ipsOf("b"), ["198.51.100.1"]);
});

test("an address rests for as long as others are free", async () => {
  const world = new World();
  world.pool("a", ["198.51.100.1-198.51.100.3"]);
  for (const name of ["a", "b", "c", "d"]) {
    world.put(name, balancer);
    await world.decide(name);
    assert.deepEqual(world.ipsOf(name), [`198.51.100.${{ a: 1, b: 2, c: 3, d: 1 }[name]}`]);
    world.delete(name);
  }
});

test("two that are decided at once never get one address, and a write that fails gives it back", async () => {
  const world = new World();
  world.pool("a", ["198.51.100.1/32"]);
  world.put("a", balancer);
  world.refuseWrites = true;
  await assert.rejects(world.decide("a"));
  world.refuseWrites = false;
  world.put("b", balancer);
  await world.decide("b", "a");
  assert.deepEqual([world.ipsOf("b"), world.ipsOf("a")], [["198.51.100.1"], []]);
});

test("an address may be asked for: in the spec, or in an annotation for both families", async () => {
  const world = new World();
  world.pool("a", ["198.51.100.0/24", "2001:db8::/120"], { autoAssign: false });
  world.put("by-spec", { ...balancer, loadBalancerIP: "198.51.100.9" });
  world.put("second", { ...balancer, loadBalancerIP: "198.51.100.9" });
  world.put("elsewhere", { ...balancer, loadBalancerIP: "198.51.101.9" });
  world.put("silent", balancer);
  await world.decide("by-spec");
  await world.decide("second", "elsewhere", "silent");
  assert.deepEqual(world.ipsOf("by-spec"), ["198.51.100.9"]);
  assert.deepEqual(world.told, [
    "second: NoAddress: it asks for 198.51.100.9, which Service shop/by-spec has",
    "elsewhere: NoAddress: it asks for 198.51.101.9, which no IPAddressPool for this Service has",
    "silent: NoAddress: none of the IPAddressPools gives addresses to this Service: a",
  ]);
  world.annotations = { "weft.io/loadBalancerIPs": "2001:db8::7, 198.51.100.7" };
  world.put("both", dual);
  await world.decide("both");
  assert.deepEqual(world.ipsOf("both"), ["2001:db8::7", "198.51.100.7"]);
  world.annotations = { "weft.io/address-pool": "a" };
  world.put("by-pool", balancer);
  await world.decide("by-pool");
  assert.deepEqual(world.ipsOf("by-pool"), ["198.51.100.0"]);
});

test("pools are for namespaces and labels, and come in the order of their priorities", async () => {
  const world = new World();
  world.pool("a-rest", ["198.51.100.1/32"]);
  world.pool("b-bank", ["198.51.100.2/32"], { serviceAllocation: { priority: 1, namespaces: ["bank"] } });
  world.pool("c-gold", ["198.51.100.3/32"], {
    serviceAllocation: { priority: 5, serviceSelectors: [{ matchLabels: { tier: "gold" } }] },
  });
  world.put("gold", balancer, undefined, { tier: "gold" });
  world.put("plain", balancer);
  await world.decide("gold", "plain");
  assert.deepEqual([world.ipsOf("gold"), world.ipsOf("plain")], [["198.51.100.3"], ["198.51.100.1"]]);
});

test("what is another's is left alone: another class, an address that no pool has, a Service of another type", async () => {
  const world = new World();
  world.pool("a", ["198.51.100.0/24"]);
  world.put("classy", { ...balancer, loadBalancerClass: "example.com/other" });
  world.put("theirs", balancer, { loadBalancer: { ingress: [{ ip: "203.0.113.9" }] } });
  world.put("plain", { ...balancer, type: "NodePort" });
  await world.decide("classy", "theirs", "plain");
  assert.deepEqual(
    [world.ipsOf("classy"), world.ipsOf("theirs"), world.ipsOf("plain")],
    [[], ["203.0.113.9"], []],
  );
});

test("a pool that is made smaller takes nothing away; what two Services have is the first one's", async () => {
  const world = new World();
  world.pool("a", ["198.51.100.0/30"]);
  const has = { loadBalancer: { ingress: [{ ip: "198.51.100.1" }] } };
  world.put("a", balancer, has);
  world.put("b", balancer, has);
  await world.decide("a", "b");
  assert.deepEqual([world.ipsOf("a"), world.ipsOf("b")], [["198.51.100.1"], ["198.51.100.0"]]);
  world.pool("a", ["198.51.100.3/32"]);
  await world.decide("a");
  assert.deepEqual(world.ipsOf("a"), ["198.51.100.1"]);
});

test("a pool over addresses of the cluster, of a node or of another pool gives none", async () => {
  for (const addresses of [
    ["10.244.9.0/24"],
    ["10.96.0.0/28"],
    ["192.0.2.40-192.0.2.60"],
    ["no range"],
    ["127.0.0.1"],
  ]) {
    const world = new World();
    world.pool("bad", addresses);
    world.put("a", balancer);
    await world.decide("a");
    assert.deepEqual(world.ipsOf("a"), [], addresses[0]);
    assert.match(world.told[0] ?? "", /NoAddress: there is no usable IPAddressPool/);
  }
});

test("a pool with a selector that makes no sense serves nobody, rather than everybody", async () => {
  for (const more of [
    { serviceAllocation: { serviceSelectors: [{ matchExpressions: [{ key: "", operator: "Exists" }] }] } },
    { l2Advertisement: { nodeSelectors: [{ matchExpressions: [{ key: "zone", operator: "In" }] }] } },
  ]) {
    const world = new World();
    world.pool("bad", ["198.51.100.0/28"], more);
    world.put("a", balancer);
    await world.decide("a");
    assert.deepEqual(world.ipsOf("a"), []);
    assert.match(world.told[0] ?? "", /NoAddress: there is no usable IPAddressPool/);
  }
});

test("external IPs are granted from the allowed ranges, and never those of nodes, pods or Services", async () => {
  const world = new World();
  const externalIPs = ["203.0.113.7", "8.8.8.8", "192.0.2.50", "10.244.3.4", "10.96.0.1", "192.0.2.51"];
  world.put("web", { clusterIPs: ["10.96.0.10"], ports, externalIPs });
  await world.decide("web");
  assert.deepEqual(world.grantedTo("web"), ["203.0.113.7", "192.0.2.51"]);
  assert.deepEqual(world.told, [
    "web: AddressRefused: external IPs are not served: 8.8.8.8 is in no range that the controller's --external-ips allows; 192.0.2.50 belongs to node n1; 10.244.3.4 belongs to the pods' range; 10.96.0.1 belongs to the range of Services",
  ]);
  world.put("web", { clusterIPs: ["10.96.0.10"], ports }, { conditions: [] });
  await world.decide("web");
  assert.deepEqual(world.grantedTo("web"), []);
});

test("whoever has an external IP and port keeps it from one that comes later, whatever its name", async () => {
  const world = new World();
  const spec = { clusterIPs: ["10.96.0.10"], ports, externalIPs: ["203.0.113.7"] };
  world.put("web", spec);
  await world.decide("web");
  world.put("a-thief", spec);
  world.put("neighbour", { ...spec, ports: [{ port: 81 }] });
  await world.decide("a-thief", "neighbour", "web");
  assert.deepEqual(
    ["web", "a-thief", "neighbour"].map((name) => world.grantedTo(name)),
    [["203.0.113.7"], [], ["203.0.113.7"]],
  );
  assert.deepEqual(world.told, [
    "a-thief: AddressRefused: external IPs are not served: 203.0.113.7 is that of Service shop/web with the same port",
  ]);
  assert.ok(world.delete("web").includes(ownerOf("service", "a-thief", "shop")));
  await world.decide("a-thief");
  assert.deepEqual(world.grantedTo("a-thief"), ["203.0.113.7"]);
});

test("an address that a node claims later is not taken from the Service that has it, and no other gets one", async () => {
  const world = new World();
  world.pool("near", ["198.51.100.0/24"], { l2Advertisement: {} });
  world.node({ ...node, chassisId: "c1", gateway });
  world.put("a", balancer);
  const spec = { clusterIPs: ["10.96.0.10"], ports, externalIPs: ["203.0.113.7"] };
  world.put("web", spec);
  await world.decide("a", "web");
  await world.decide("a", "web");
  const [ip = ""] = world.ipsOf("a");
  const has = () => [world.ipsOf("a"), world.announcersOf("a"), world.grantedTo("web")];
  assert.deepEqual(has(), [[ip], [`${ip} by n1`], ["203.0.113.7"]]);

  const hostAddresses = [ip, "203.0.113.7", "203.0.113.8"].flatMap((text) => parseIp(text) ?? []);
  world.node({ ...node, name: "n2", hostAddresses });
  world.put("b", balancer);
  world.put("late", { ...spec, externalIPs: ["203.0.113.8"] });
  await world.decide("a", "web", "b", "late");
  assert.deepEqual(has(), [[ip], [`${ip} by n1`], ["203.0.113.7"]]);
  assert.deepEqual([world.ipsOf("b"), world.grantedTo("late")], [[], []]);
});

test("Services with one key share an address while their ports differ, and only in their namespace", async () => {
  const world = new World();
  world.pool("a", ["198.51.100.1-198.51.100.9"]);
  world.put("first", balancer);
  await world.decide("first");
  world.annotations = { "weft.io/allow-shared-ip": "one" };
  const at = (port: number, more: object = {}) => ({ ...balancer, ports: [{ port }], ...more });
  world.put("a", at(80));
  world.put("b", at(53));
  world.put("c", at(80));
  world.put("d", at(90, { externalTrafficPolicy: "Local" }));
  await world.decide("a", "b", "c", "d");
  assert.deepEqual(
    ["a", "b", "c", "d"].map((name) => world.ipsOf(name)[0]),
    ["198.51.100.2", "198.51.100.2", "198.51.100.3", "198.51.100.4"],
  );
  world.annotations = { "weft.io/allow-shared-ip": "other", "weft.io/loadBalancerIPs": "198.51.100.2" };
  world.put("e", at(91));
  await world.decide("e");
  assert.deepEqual(world.told, ["e: NoAddress: it asks for 198.51.100.2, which Service shop/a has"]);
});

test("a Service that comes to have a port of one it shares with gets another address, and is told", async () => {
  const world = new World();
  world.pool("a", ["198.51.100.1-198.51.100.9"]);
  world.annotations = { "weft.io/allow-shared-ip": "one" };
  world.put("a", balancer);
  world.put("b", { ...balancer, ports: [{ port: 53 }] });
  await world.decide("a", "b");
  assert.deepEqual(world.ipsOf("b"), world.ipsOf("a"));
  world.put(
    "b",
    { ...balancer, ports: [{ port: 53 }, { port: 80 }] },
    {
      loadBalancer: { ingress: [{ ip: "198.51.100.1" }] },
    },
  );
  await world.decide("a", "b");
  assert.deepEqual(world.ipsOf("a"), ["198.51.100.1"]);
  assert.deepEqual(world.ipsOf("b"), ["198.51.100.2"]);
  assert.deepEqual(world.told, [
    "b: AddressTaken: 198.51.100.1 is also that of Service shop/a, and both have port TCP 80; this one gets another address",
  ]);
});
