// A node whose agent has a pool of ready ports, in the world of agentWorld.ts. In place of the controller, this puts
// ports into the northbound database and offers them to the agent.

import { poolOfferAnnotation, poolSeenOf } from "../../src/kube/annotations.ts";
import type { Json } from "../../src/kube/json.ts";
import { namesOf } from "../../src/model/names.ts";
import type { PoolOffer, PoolSeen } from "../../src/model/pool.ts";
import { portIn, rowOf } from "../../src/node/pool/queueRow.ts";
import { vswitch } from "../../src/ovn/vswitch.gen.ts";
import { Session } from "../../src/ovsdb/index.ts";
import { poolFacts } from "../../src/plan/pool.ts";
import { northboundScope } from "../../src/plan/scope.ts";
import { buildWorld, type TestPod } from "./agentWorld.ts";

export const scope = { names: namesOf("test"), nodeName: "n1", nested: false };
export const restMs = 1500;

export type PoolWorld = Awaited<ReturnType<typeof buildPoolWorld>>;

/** What an offer has that is not said. */
const nothing: PoolOffer = { generation: 1, open: [], closed: [], withdrawn: [] };

export async function buildPoolWorld(name: string, plugin: string) {
  const stack = new AsyncDisposableStack();
  const world = stack.use(await buildWorld(name, plugin, { addresses: "pooled", restMs, cniLimitMs: 5000 }));
  const { ovsDb } = world.optionsOf(0);
  const connect = async (): Promise<Session> => {
    const session = stack.use(new Session({ remotes: [ovsDb], database: "Open_vSwitch" }));
    session.start();
    await session.connected();
    return session;
  };
  const session = await connect();

  return {
    ...world,
    world,
    session,
    connect,

    /** Makes OVN have ports at these places; open, as far as OVN is concerned. */
    plan: async (offsets: readonly number[]): Promise<void> => {
      const ports = offsets.map((offset) => ({ offset, tag: undefined, isClosed: false }));
      await world.commit(poolFacts(northboundScope("test", "global"), world.resolved(0), ports, undefined));
    },

    offer: (
      offer: Partial<Record<"open" | "closed" | "withdrawn", readonly number[]>> & { generation: number },
    ) => {
      const ports = (offsets: readonly number[] = []) =>
        offsets.map((offset) => ({ offset, tag: undefined }));
      const whole: PoolOffer = {
        ...nothing,
        generation: offer.generation,
        open: ports(offer.open),
        closed: ports(offer.closed),
        withdrawn: ports(offer.withdrawn),
      };
      return world.api("PATCH", "/api/v1/nodes/n1", {
        metadata: { annotations: poolOfferAnnotation(whole) },
      });
    },

    /** What the agent has acknowledged last, once it is as `wanted` says. */
    seen: async (wanted: (seen: PoolSeen) => boolean): Promise<PoolSeen> => {
      const node = await world.nodeWith(0, (each) => {
        const seen = poolSeenOf(each);
        return seen !== undefined && wanted(seen);
      });
      return poolSeenOf(node) ?? { generation: -1, used: [], spent: [] };
    },

    /** A pod on the node that the API knows, and a namespace for it. Proven means: policies are known to be older. */
    pod: async (name: string, { proven = true, labels = {} } = {}): Promise<TestPod> => {
      const uid = crypto.randomUUID();
      const netns = await world.makeNamespace(`${name}-${uid.slice(0, 4)}`);
      await world.putPod(name, 0, uid, {}, labels);
      if (proven) await world.api("PUT", "/bookmarks", {});
      return { name, uid, node: 0, netns, network: { addresses: [], mac: "", gateways: [] } };
    },

    policy: (name: string, podSelector: Json) =>
      world.api("PUT", "/apis/networking.k8s.io/v1/networkpolicies", {
        metadata: { namespace: "default", name, uid: `policy-${name}` },
        spec: { podSelector },
      }),

    /** The rows as they are, by offset; those that make no sense under their UUID. */
    cache: async (): Promise<ReadonlyMap<number | string, string>> => {
      const rows = await session.select(vswitch, "Queue", []);
      return new Map(
        rows.map(({ _uuid: uuid, external_ids: ids }): [number | string, string] => {
          const port = portIn(scope, uuid, ids);
          if (!port) return [uuid, "malformed"];
          const { state } = port.use;
          const who = port.use.state === "claimed" ? ` ${port.use.holder.container}` : "";
          return [port.offset, `${state}${who}`];
        }),
      );
    },

    /** Iface-ids of the pods' interfaces, in order. */
    plugged: async (): Promise<readonly string[]> => {
      const rows = await session.select(vswitch, "Interface", []);
      return rows
        .filter(({ external_ids: ids }) => ids.has("weft.io/container"))
        .map(({ external_ids: ids }) => ids.get("iface-id") ?? "")
        .toSorted();
    },

    rowOf: (offset: number): string => rowOf(scope, offset),

    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
