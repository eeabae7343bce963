import assert from "node:assert/strict";
import { test } from "node:test";
import { type AddressPool, addressPoolOf } from "../kube/addressPool.ts";
import { Interner } from "../kube/intern.ts";
import { announcementCondition, announcersText } from "../kube/outerAddresses.ts";
import { endpointSliceOf, serviceOf } from "../kube/project.ts";
import { emptyStore, storesOf } from "../kube/stores.ts";
import { parseCidr, parseInterfaceAddress } from "../model/ip.ts";
import { noOutsideLabel } from "../model/names.ts";
import type { ResolvedNode } from "../model/network.ts";
import type { Announcer } from "../model/outerAddresses.ts";
import { Announcing } from "./announcing.ts";
import { aNode } from "./decidedFixture.ts";

const names = ["n1", "n2", "n3", "n4", "n5"];

class World {
  readonly stores = storesOf(emptyStore);
  readonly #gateways = new Map<string, readonly string[]>();
  readonly #announcing = new Announcing({
    stores: this.stores,
    places: {
      node: (name) => (this.stores.Node.get("", name) ? this.#resolved(name) : undefined),
      nodes: () => [...this.stores.Node.values()].map(({ name }) => this.#resolved(name)),
    },
  });
  pool: AddressPool | undefined = this.poolWith({ l2Advertisement: {} });
  #version = 0;

  constructor() {
    for (const name of names) this.node(name);
  }

  poolWith(more: object) {
    const metadata = { name: "near", uid: "u", resourceVersion: "1" };
    const spec = { addresses: ["172.30.0.200-172.30.0.250", "fd00:172:30::200/120"], ...more };
    return addressPoolOf({ metadata, spec }, new Interner()) ?? assert.fail();
  }

  node(
    name: string,
    change: Parameters<typeof aNode>[1] = {},
    gateway = ["172.30.0.1/24", "fd00:172:30::1/64"],
  ) {
    this.#gateways.set(name, gateway);
    this.stores.Node.apply([{ type: "put", object: aNode(name, { networkUnavailable: false, ...change }) }]);
  }

  gone(name: string) {
    this.stores.Node.apply([{ type: "remove", namespace: "", name }]);
  }

  put(name: string, ips: readonly string[], spec: object = {}, announcers: readonly Announcer[] = []): void {
    const raw = {
      metadata: { namespace: "shop", name, uid: `uid-${name}`, resourceVersion: String(++this.#version) },
      spec: { type: "LoadBalancer", clusterIPs: ["10.96.0.10"], ports: [{ port: 80 }], ...spec },
      status: {
        loadBalancer: { ingress: ips.map((ip) => ({ ip })) },
        conditions: [{ type: announcementCondition, status: "True", message: announcersText(announcers) }],
      },
    };
    const object = serviceOf(raw, new Interner()) ?? assert.fail();
    this.stores.Service.apply([{ type: "put", object }]);
  }

  slice(name: string, endpoints: readonly object[]): void {
    const metadata = { namespace: "shop", name, uid: name, resourceVersion: String(++this.#version) };
    const raw = {
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": name } },
      ...{ addressType: "IPv4", ports: [{ port: 8080 }], endpoints },
    };
    const object = endpointSliceOf(raw, new Interner()) ?? assert.fail();
    this.stores.EndpointSlice.apply([{ type: "put", object }]);
  }

  announcement(name: string) {
    const service = this.stores.Service.get("shop", name) ?? assert.fail();
    return this.#announcing.announcement(service, this.pool ? [this.pool] : []);
  }

  /** The node that announces the only address. */
  at(name: string): string | undefined {
    return this.announcement(name).announcers[0]?.node;
  }

  #resolved(name: string): ResolvedNode {
    const addresses = (this.#gateways.get(name) ?? []).flatMap((text) => parseInterfaceAddress(text) ?? []);
    return {
      ...{ name, id: 2, subnets: [parseCidr("10.244.0.0/24") ?? assert.fail()], chassisId: name },
      gateway: { mac: "", addresses, nextHops: [], mtuBytes: 1500 },
      hostAddresses: [],
    };
  }
}

const many = Array.from({ length: 50 }, (_, index) => `172.30.0.${200 + index}`);

test("addresses are spread over the nodes, and a node that goes moves none but its own", () => {
  const world = new World();
  const where = () =>
    new Map(
      many.map((ip) => {
        world.put(ip, [ip]);
        return [ip, world.at(ip)];
      }),
    );
  const before = where();
  assert.deepEqual(new Set(before.values()), new Set(names));
  world.gone("n2");
  for (const [ip, node] of where())
    if (before.get(ip) === "n2") assert.notEqual(node, "n2");
    else assert.equal(node, before.get(ip));
});

test("whoever has an address keeps it while it can, also when a better one comes back", () => {
  const world = new World();
  const [ip = ""] = many;
  world.put("web", [ip]);
  const first = world.at("web") ?? assert.fail();
  world.put("web", [ip], {}, [{ ip, node: first }]);
  world.node(first, { networkUnavailable: true });
  const second = world.at("web") ?? assert.fail();
  assert.notEqual(second, first);
  world.node(first);
  assert.equal(world.at("web"), second, "though the status does not show it yet");
  world.put("web", [ip], {}, [{ ip, node: second }]);
  assert.equal(world.at("web"), second);
});

test("when all nodes seem dead nobody is moved", () => {
  const world = new World();
  const [ip = ""] = many;
  world.put("web", [ip], {}, [{ ip, node: "n3" }]);
  for (const name of names) world.node(name, { networkUnavailable: true });
  assert.equal(world.at("web"), "n3");
});

test("a node announces only if it has a gateway of the family, is selected and is not excluded", () => {
  const world = new World();
  world.pool = world.poolWith({ l2Advertisement: { nodeSelectors: [{ matchLabels: { edge: "yes" } }] } });
  world.put("web", ["fd00:172:30::200"]);
  assert.deepEqual(world.announcement("web"), {
    announcers: [],
    problem:
      "nobody answers for fd00:172:30::200 on the nodes' network: no node that l2Advertisement of the pool selects has a gateway",
  });
  world.node("n1", { labels: { edge: "yes" } }, ["172.30.0.1/24"]);
  world.node("n2", { labels: { edge: "yes", [noOutsideLabel]: "" } });
  assert.equal(world.at("web"), undefined);
  world.node("n4", { labels: { edge: "yes" } });
  assert.equal(world.at("web"), "n4");
});

test("with Local a node with a ready endpoint announces, or with one that terminates when none is ready", () => {
  const world = new World();
  const [ip = ""] = many;
  world.put("web", [ip], { externalTrafficPolicy: "Local" });
  assert.match(world.announcement("web").problem ?? "", /has a gateway and a ready endpoint$/);
  const end = (nodeName: string, conditions: object = {}) => ({
    ...{ addresses: [`10.244.0.${nodeName.slice(1)}`], nodeName },
    conditions: { ready: true, ...conditions },
  });
  world.slice("web", [end("n4", { ready: false, serving: true, terminating: true })]);
  assert.equal(world.at("web"), "n4");
  world.slice("web", [end("n4", { ready: false, serving: true, terminating: true }), end("n2")]);
  assert.equal(world.at("web"), "n2");
});

test("nobody announces addresses of other pools", () => {
  const world = new World();
  world.put("web", ["198.51.100.1"]);
  assert.deepEqual(world.announcement("web"), { announcers: [], problem: undefined });
  world.pool = world.poolWith({});
  world.put("web", ["172.30.0.200"], {}, [{ ip: "172.30.0.200", node: "n1" }]);
  assert.deepEqual(world.announcement("web"), { announcers: [], problem: undefined });
});

test("an announced address stays so when no pool has it any more, and moves as others do", () => {
  const world = new World();
  world.pool = undefined;
  world.put("web", ["172.30.0.200"], {}, [{ ip: "172.30.0.200", node: "n1" }]);
  assert.equal(world.at("web"), "n1");
  world.gone("n1");
  assert.match(world.at("web") ?? "", /^n[2-5]$/);
});
