// What the controller has said by Events about objects that still lack their network or address. It knows best why, and `weft
// status` repeats it. Best effort: who may not read Events gets a general answer.

import type { KubeClient } from "../../kube/client.ts";
import { list, record, text } from "../../kube/json.ts";
import type { Node, Pod } from "../../kube/objects.ts";
import { events, pathOf } from "../../kube/resource.ts";

/** UID of an object ▶ the last sentence about it. */
export type Told = ReadonlyMap<string, string>;

/** More than people read. */
const most = 500;

/** By Events with this reason. */
export async function toldBy(
  client: KubeClient,
  reason: "NetworkNotReady" | "NoAddress",
  signal: AbortSignal,
): Promise<Told> {
  const query = { fieldSelector: `reason=${reason}`, limit: most };
  const { items } = await client.list(pathOf(events), { query, signal });
  const said = list(items).map((item) => {
    const { involvedObject, lastTimestamp, message } = record(item);
    return { uid: text(record(involvedObject).uid), time: text(lastTimestamp), message: text(message) };
  });
  // Times are ISO 8601 with whole seconds.
  const oldestFirst = said.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return new Map(oldestFirst.map(({ uid, message }) => [uid, message]));
}

/** Without the object's own name, which is beside it: `pod shop/web: no address left` is `no address left`. */
export function toldOf(object: Pod | Node, told: Told | undefined): string | undefined {
  const name = object.kind === "Node" ? object.name : `${object.namespace}/${object.name}`;
  const prefix = `${object.kind.toLowerCase()} ${name}: `;
  const message = told?.get(object.uid);
  return message?.startsWith(prefix) ? message.slice(prefix.length) : message;
}
