// A cluster of FloatingAddresses, pools and pods whose statuses are written as an API server would.

import assert from "node:assert/strict";
import { addressPoolOf } from "../kube/addressPool.ts";
import { KubeError } from "../kube/error.ts";
import { floatingAddressOf } from "../kube/floatingAddress.ts";
import { Interner } from "../kube/intern.ts";
import type { Pod } from "../kube/objects.ts";
import { podOf } from "../kube/project.ts";
import { emptyStore, storesOf } from "../kube/stores.ts";
import { formatIp, parseInterfaceAddress } from "../model/ip.ts";
import type { ResolvedNode } from "../model/network.ts";
import { ownerOf, parseOwner } from "../model/owner.ts";
import type { FloatingRow } from "../observe/floatingRows.ts";
import { PoolSearch } from "./allocate/poolSearch.ts";
import { floatingDecision } from "./floatingDecision.ts";
import { FloatingGrants } from "./floatingGrants.ts";
import { FloatingRequests } from "./floatingRequests.ts";
import { network } from "./networkFixture.ts";
import { OuterTaken } from "./outerTaken.ts";

const nodeNamed = (name: string, addresses: readonly string[]): ResolvedNode => ({
  ...{ name, id: 2, subnets: [], chassisId: `chassis-${name}`, hostAddresses: [] },
  gateway: {
    ...{ mac: "02:00:00:00:00:11", nextHops: [], mtuBytes: 1500 },
    addresses: addresses.map((text) => parseInterfaceAddress(text) ?? assert.fail()),
  },
});
const nodes = new Map([
  ["n1", nodeNamed("n1", ["172.30.0.11/24", "fd00:172:30::11/64"])],
  ["n2", nodeNamed("n2", ["172.30.0.12/24", "fd00:172:30::12/64"])],
  ["n4", nodeNamed("n4", ["172.30.0.14/24"])],
]);

/** A cluster whose statuses are written as an API server would. One leader after the other may decide. */
export class World {
  readonly stores = storesOf(emptyStore);
  readonly told: string[] = [];
  readonly made: string[] = [];
  rows: readonly FloatingRow[] = [];
  /** An address that somebody else translates. */
  others = "";
  unserved: string | undefined;
  writes = 0;
  /** The API server lacks the definition. */
  hasNoKind = false;
  refuseWrites = false;
  /** Pods that the API server has and does not list. */
  unlisted: readonly Pod[] = [];
  /** The API server does not say whether it has them. */
  isSilent = false;
  readonly #raw = new Map<string, { metadata: object; spec: object; status: object }>();
  #version = 0;
  #leader = this.#newLeader();

  #newLeader() {
    const { stores, told, made } = this;
    const grants = new FloatingGrants();
    const rows = {
      at: (outer: string) => this.rows.filter((row) => row.outer === outer),
      of: (owner: string) => this.rows.filter((row) => row.owner === owner),
      isOthers: (outer: string) => outer === this.others,
      to: (inner: string) => this.rows.filter((row) => row.inner === inner),
    };
    const taken = new OuterTaken({ stores, grants, rows });
    const notFloating = ({ kind, name }: { kind: string; name: string }, reason: string, message: string) =>
      void told.push(`${kind} ${name}: ${reason}: ${message}`);
    const decision = floatingDecision({
      ...{ network, stores, grants, taken, rows, search: new PoolSearch(), hasGateways: true },
      mayExist: async ({ namespace, name }) => {
        const unlisted = this.unlisted.find((one) => one.namespace === namespace && one.name === name);
        if (unlisted && this.isSilent) return true;
        if (unlisted) stores.Pod.apply([{ type: "put", object: unlisted }]);
        return false;
      },
      places: {
        node: (name) => nodes.get(name),
        nodes: () => nodes.values(),
        pod: ({ podIps }) => ({
          ownPort: true,
          network: {
            ...{ mac: "0a:58:0a:f4:00:03", gateways: [] },
            addresses: podIps.map((ip) => parseInterfaceAddress(`${ip}/24`) ?? assert.fail()),
          },
        }),
      },
      requests: new FloatingRequests(
        {
          make: async ({ name }, { pool, wanted }) => {
            if (this.hasNoKind) throw new KubeError("no such kind", { status: 404, reason: "NotFound" });
            made.push(`+${name} ${pool ?? "-"} ${wanted.join() || "any"}`);
          },
          unmake: async ({ name }) => void made.push(`-${name}`),
        },
        notFloating,
      ),
      unserved: () => this.unserved,
      write: async ({ namespace, name }, { ips, podName, podUid, nodeName, ready }) => {
        this.writes++;
        if (this.refuseWrites) throw new Error("conflict");
        const raw = this.#raw.get(`${namespace}/${name}`) ?? assert.fail();
        const status = {
          ...{ addresses: ips, podName, podUID: podUid, nodeName },
          conditions: [{ type: "Ready", ...ready }],
        };
        this.#put(namespace, name, raw.metadata, raw.spec, status);
      },
      tell: {
        floating: ({ kind, name }, message) => void told.push(`${kind} ${name}: ${message}`),
        notFloating,
      },
      again: () => undefined,
    });
    return { decision, grants };
  }

  /** The next leader knows nothing but what is written. */
  restart(): void {
    this.#leader = this.#newLeader();
  }

  #put(namespace: string, name: string, metadata: object, spec: object, status: object): void {
    const raw = {
      metadata: {
        ...{ uid: `uid-${namespace}-${name}`, ...metadata, namespace, name },
        resourceVersion: String(++this.#version),
      },
      ...{ spec, status },
    };
    this.#raw.set(`${namespace}/${name}`, raw);
    const object = floatingAddressOf(raw, new Interner()) ?? assert.fail();
    this.stores.FloatingAddress.apply([{ type: "put", object }]);
  }

  floating(name: string, spec: object, { namespace = "shop", status = {}, metadata = {} } = {}): void {
    this.#put(namespace, name, metadata, spec, status);
  }

  drop(name: string): void {
    this.stores.FloatingAddress.apply([{ type: "remove", namespace: "shop", name }]);
  }

  pool(name: string, addresses: readonly string[], more: object = {}): void {
    const metadata = { name, uid: `uid-${name}`, resourceVersion: String(++this.#version) };
    const object = addressPoolOf({ metadata, spec: { addresses, ...more } }, new Interner()) ?? assert.fail();
    this.stores.IPAddressPool.apply([{ type: "put", object }]);
  }

  pod(
    name: string,
    ip: string,
    {
      namespace = "shop",
      node = "n1",
      labels = {},
      annotations = {},
      uid = `uid-of-${name}`,
      spec = {},
    } = {},
  ): void {
    const metadata = { namespace, name, uid, resourceVersion: String(++this.#version), labels, annotations };
    const raw = {
      metadata,
      spec: { nodeName: node, ...spec },
      status: { phase: "Running", podIPs: [{ ip }] },
    };
    const object = podOf(raw, new Interner()) ?? assert.fail();
    this.stores.Pod.apply([{ type: "put", object }]);
  }

  noPod(name: string): void {
    this.stores.Pod.apply([{ type: "remove", namespace: "shop", name }]);
  }

  async decide(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      const [space, own] = name.includes("/") ? name.split("/") : ["shop", name];
      await this.#leader.decision.decide(parseOwner(ownerOf("floatingaddress", own, space)));
    }
  }

  /** `172.30.0.210 ▶ web@n1`, as the status says and as plans see it. */
  of(name: string, namespace = "shop"): string {
    const { given } = this.stores.FloatingAddress.get(namespace, name) ?? assert.fail(name);
    const grant = this.#leader.grants.get(ownerOf("floatingaddress", name, namespace));
    const planned = `${grant?.ips.map(formatIp).join() || "-"} ▶ ${grant?.pod ? `${grant.pod.name}@${grant.pod.node}` : "-"}`;
    const shown = `${given.ips.join() || "-"} ▶ ${given.podName === undefined ? "-" : `${given.podName}@${given.nodeName}`}`;
    assert.equal(shown, planned, "the status is what plans use");
    return `${shown} ${given.ready?.reason}`;
  }
}

/** With a pool of three addresses and a pod `web`. */
export const aWorld = (more: object = {}): World => {
  const world = new World();
  world.pool("front", ["172.30.0.210-172.30.0.212"], more);
  world.pod("web", "10.244.0.3");
  return world;
};
