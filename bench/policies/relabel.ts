// One pod relabelled, many times, seen from outside: the time from the label to the pod's address in the set of the peers
// that policies allow, both as a third party sees them. Bare is the same member put into a set of that size by hand.

import { setTimeout as delay } from "node:timers/promises";
import type { KubeClient } from "../../src/kube/client.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { labelSelectorOf } from "../../src/kube/labelSelector.ts";
import { pathOf } from "../../src/kube/resource.ts";
import { watchKind } from "../../src/kube/watch.ts";
import { namesOf } from "../../src/model/names.ts";
import { rowUuid } from "../../src/model/uuid.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { idOf } from "../../src/select/podGroup.ts";
import { labelSelection, oneNamespace } from "../../src/select/selection.ts";
import { compared, type Figure } from "../figure.ts";
import { inTurn, Side } from "../inTurn.ts";
import { namespaceOf, type Scale } from "../scale/objects.ts";

const cluster = "weft";
const role = "friend";
const ofBlock = 20;
const turns = { fewest: 25, most: 50 };
const idleMs = 2;
const byHand = "by_hand_ip4";

export const relabelFigures =
  (scale: Scale) =>
  async (client: KubeClient, remote: string): Promise<readonly Figure[]> => {
    const stopping = new AbortController();
    await using session = new Session({ remotes: [remote], database: "OVN_Northbound" });
    const replica = session.replica(northbound, { Address_Set: true });
    session.start();
    await replica.ready();
    const [first, namespace] = [0, namespaceOf(scale, 0)];
    const pods = watchKind(client, "Pod", { signal: stopping.signal, namespace });
    await pods.ready();
    const friends = labelSelection(oneNamespace(namespace), labelSelectorOf({ matchLabels: { role } }));
    const set = rowUuid(cluster, "Address_Set", namesOf(cluster).peers(idOf(friends), 4));
    if (!replica.table("Address_Set").get(set)) throw new Error("no policy speaks of friends");
    const hand = crypto.randomUUID();
    await session.transact(
      new Transaction(northbound).insert("Address_Set", { name: byHand, addresses: [] }, hand),
    );
    let heard: (what: string) => void = () => undefined;
    pods.subscribe((changes) => {
      for (const { new: pod } of changes) if (pod?.name === `web-${first}`) heard("label");
    });
    replica.subscribe((changes) => {
      for (const { uuid } of changes) if (uuid === set || uuid === hand) heard("row");
    });
    /** Milliseconds from the label to the row; 0 when the row was seen first. */
    const once = async (
      work: () => Promise<unknown>,
      wanted: readonly string[],
    ): Promise<readonly number[]> => {
      const seen = new Map<string, number>();
      const all = Promise.withResolvers<void>();
      heard = (what) => {
        if (!seen.has(what)) seen.set(what, performance.now());
        if (wanted.every((one) => seen.has(one))) all.resolve();
      };
      await work();
      await all.promise;
      return wanted.map((what) => seen.get(what) ?? 0);
    };
    const path = pathOf(kinds.Pod, namespace, `web-${first}`);
    const oneOfWeft = async (index: number): Promise<number> => {
      const labels = { role: index % 2 === 0 ? role : null };
      const [label = 0, row = 0] = await once(
        () => client.patch(path, { metadata: { labels } }),
        ["label", "row"],
      );
      return Math.max(0, row - label);
    };
    const oneBare = async (index: number): Promise<number> => {
      // Between two of Weft's the server is idle for as long.
      await delay(idleMs);
      const start = performance.now();
      const mutation = index % 2 === 0 ? "insert" : "delete";
      const tx = new Transaction(northbound).mutateSet("Address_Set", hand, "addresses", mutation, [
        "10.255.0.3",
      ]);
      const [row = 0] = await once(() => session.transact(tx), ["row"]);
      return row - start;
    };
    const [weft, bare] = [Side.ofSingles(ofBlock, oneOfWeft), Side.ofSingles(ofBlock, oneBare)];
    await inTurn([[weft, bare]], turns);
    await session.transact(new Transaction(northbound).delete("Address_Set", hand));
    stopping.abort();
    const figure = (share: number): Figure =>
      compared({
        name: `one pod relabelled: seen to committed p${share * 100}`,
        unit: "ms",
        share,
        own: weft,
        limit: { name: "bare transaction", side: bare },
      });
    const p99 = figure(0.99);
    return [figure(0.5), p99, { name: p99.name, unit: "ms", value: p99.value, aim: 10 }];
  };
