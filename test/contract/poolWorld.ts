// A node whose agent has a pool of ready ports, in the world of agentWorld.ts. In place of the controller, this puts
// ports into the northbound database and offers them to the agent.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { poolOfferAnnotation, poolSeenOf } from "../../src/kube/annotations.ts";
import { type Json, list, record, text } from "../../src/kube/json.ts";
import { namesOf } from "../../src/model/names.ts";
import type { PoolSeen } from "../../src/model/pool.ts";
import { northboundScope } from "../../src/model/scope.ts";
import { offerRowOf, portIn, rowOf } from "../../src/node/pool/queueRow.ts";
import { vswitch } from "../../src/ovn/vswitch.gen.ts";
import { Session } from "../../src/ovsdb/index.ts";
import { poolFacts } from "../../src/plan/pool.ts";
import { privateName } from "../real/privateName.ts";
import { buildWorld, type PluginRun, type TestPod } from "./agentWorld.ts";

const scope = { names: namesOf("test"), nodeName: "n1", nested: false };
/** How long an address rests after its pod is gone. */
const restMs = 1500;

/** The offsets of the ports that OVN has. */
export const closed = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19];
export const open = [20, 21, 22, 23, 24, 25, 26, 27, 28, 29];

export type PoolWorld = Awaited<ReturnType<typeof buildPoolWorld>>;
type Offered = Partial<Record<"open" | "closed" | "withdrawn", readonly number[]>> & {
  readonly generation: number;
};

/** One node on the network, whose agent has not been offered anything yet. */
export async function buildPoolWorld(name: string) {
  const stack = new AsyncDisposableStack();
  const plugin = buildPlugin(stack);
  const settings = { addresses: "pooled", restMs, cniLimitMs: 5000 };
  const world = stack.use(await buildWorld(privateName(name), plugin, settings));
  const session = stack.use(new Session({ remotes: [world.optionsOf(0).ovsDb], database: "Open_vSwitch" }));
  session.start();
  await session.connected();
  let agent = world.startAgent(0);
  await world.admitNode(0);
  const ports = [...closed, ...open].map((offset) => ({ offset, tag: undefined, isClosed: false }));
  await world.commit(
    poolFacts(northboundScope("test", "global"), `pool/${world.resolved(0).name}`, world.resolved(0), {
      ports,
      parent: undefined,
    }),
  );

  /** The rows by offset: `claimed c1`. Malformed rows are "malformed", by UUID. */
  const cache = async (): Promise<ReadonlyMap<number | string, string>> => {
    const rows = await session.select(vswitch, "Queue", [["_uuid", "!=", offerRowOf(scope)]]);
    return new Map(
      rows.map(({ _uuid: uuid, external_ids: ids }): [number | string, string] => {
        const port = portIn(scope, uuid, ids);
        if (!port) return [uuid, "malformed"];
        const { use } = port;
        return [port.offset, use.state === "claimed" ? `claimed ${use.holder.container}` : use.state];
      }),
    );
  };

  const eventually = async (holds: () => boolean | Promise<boolean>, what: string): Promise<void> => {
    const deadline = Date.now() + 60_000;
    while (!(await holds())) {
      if (Date.now() > deadline) {
        const rows = JSON.stringify([...(await cache())]);
        assert.fail(`never: ${what}\n${rows}\n${world.log.slice(-40).join("")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  return {
    ...world,
    world,
    session,
    cache,
    eventually,

    killAgent: async (): Promise<void> => {
      agent.kill("SIGKILL");
      if (agent.exitCode === null && agent.signalCode === null) await once(agent, "exit");
    },

    restartAgent: async (): Promise<void> => {
      agent = world.startAgent(0);
      await world.ready(0);
    },

    offer: ({ generation, ...lists }: Offered) => {
      const at = (offsets: readonly number[] = []) => offsets.map((offset) => ({ offset, tag: undefined }));
      const offer = {
        line: "1",
        from: 0,
        generation,
        asked: generation,
        open: at(lists.open),
        closed: at(lists.closed),
        withdrawn: at(lists.withdrawn),
      };
      const patch = { metadata: { annotations: poolOfferAnnotation(offer) } };
      return world.api("PATCH", "/api/v1/nodes/n1", patch);
    },

    /** The agent's last acknowledgement, once it is as `wanted` requires. */
    seen: async (wanted: (seen: PoolSeen) => boolean): Promise<PoolSeen> => {
      let last: PoolSeen | undefined;
      await eventually(async () => {
        last = poolSeenOf(await world.nodeWith(0, () => true));
        return last !== undefined && wanted(last);
      }, "the offer is acknowledged");
      return last ?? assert.fail();
    },

    /** Ends every pod, and offers a pool of this many closed and open ports, all of them ready. */
    async afresh(
      generation: number,
      sizes: { readonly closed: number; readonly open: number },
    ): Promise<void> {
      const nobody = { name: "none", uid: "none", node: 0, netns: "none", network: noNetwork };
      const collected = await world.cni("GC", "", nobody, {}, { "cni.dev/valid-attachments": [] });
      assert.equal(collected.exit, 0);
      await this.offer({ generation, withdrawn: [...closed, ...open] });
      await this.seen((seen) => seen.generation === generation && seen.used.length === 0);
      const lists = { closed: closed.slice(0, sizes.closed), open: open.slice(0, sizes.open) };
      await this.offer({ generation, ...lists });
      const size = sizes.closed + sizes.open;
      await eventually(async () => (await this.counts())["ready"] === size, "a fresh pool");
    },

    /** A namespace for a pod on the node, and its Pod object, which the agent has heard of unless it is not `known`. */
    pod: async (name: string, { known = true, labels = {} } = {}): Promise<TestPod> => {
      const uid = crypto.randomUUID();
      const netns = await world.makeNamespace(`${name}-${uid.slice(0, 4)}`);
      if (known) {
        await world.putPod(name, 0, uid, {}, labels);
        await world.api("PUT", "/bookmarks", {});
        // From outside the agent, nobody can see whether it has heard of both.
        await new Promise((resolve) => setTimeout(resolve, 300));
      } else {
        await world.api("PUT", "/late", { metadata: { namespace: "default", name, uid } });
      }
      return { name, uid, node: 0, netns, network: noNetwork };
    },

    policy: (name: string, podSelector: Json) =>
      world.api("PUT", "/apis/networking.k8s.io/v1/networkpolicies", {
        metadata: { namespace: "default", name, uid: `policy-${name}` },
        spec: { podSelector },
      }),

    stateOf: async (offset: number): Promise<string> => (await cache()).get(offset) ?? "none",

    /** The number of rows in each state. */
    counts: async (): Promise<Readonly<Record<string, number>>> => {
      const found: Record<string, number> = {};
      for (const said of (await cache()).values()) {
        const [state = ""] = said.split(" ");
        found[state] = (found[state] ?? 0) + 1;
      }
      return found;
    },

    /** Every claimed row has its interface, every pod's interface has its claimed row, and no port has two. */
    assertWhole: async (): Promise<void> => {
      const claimed = [...(await cache())].flatMap(([offset, state]) =>
        state.startsWith("claimed ") ? [`test_pool_n1_${offset}`] : [],
      );
      const plugged = (await session.select(vswitch, "Interface", []))
        .filter(({ external_ids: ids }) => ids.has("weft.io/container"))
        .map(({ external_ids: ids }) => ids.get("iface-id") ?? "");
      assert.deepEqual(plugged.toSorted(), claimed.toSorted());
    },

    rowAt: (offset: number): string => rowOf(scope, offset),

    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The path of the CNI executable, which exists until `stack` is disposed of. */
export function buildPlugin(stack: AsyncDisposableStack): string {
  const folder = mkdtempSync(join(tmpdir(), "weft-pool-test-"));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const plugin = join(folder, "weft-cni");
  execFileSync(fileURLToPath(new URL("../../src/cni/build.sh", import.meta.url)), [plugin]);
  return plugin;
}

/** A pod with a pool port learns its network from the answer to ADD. */
const noNetwork = { addresses: [], mac: "", gateways: [] };

/** The offset in the subnet that the pod got. */
export function offsetOf({ exit, said }: PluginRun): number {
  assert.equal(exit, 0, JSON.stringify(said));
  const [first] = list(said?.ips).map((ip) => text(record(ip).address));
  return Number(/\.(\d+)\//.exec(first ?? "")?.[1] ?? -1);
}

export const reaches = (pod: TestPod, to: string): boolean =>
  spawnSync("ip", ["netns", "exec", pod.netns, "ping", "-c1", "-W5", to], { timeout: 20_000 }).status === 0;
