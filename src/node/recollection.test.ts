import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { silent } from "../kube/clock.ts";
import { Interner } from "../kube/intern.ts";
import type { Pod } from "../kube/objects.ts";
import { podOf } from "../kube/project.ts";
import type { Store } from "../kube/store.ts";
import { emptyStore } from "../kube/stores.ts";
import { Recollection } from "./recollection.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-known-"));
after(() => rmSync(folder, { recursive: true }));

let version = 0;
function put(store: Store<Pod>, name: string, phase = "Pending"): void {
  const metadata = { namespace: "shop", name, uid: name, resourceVersion: String(++version) };
  const object = podOf({ metadata, status: { phase } }, new Interner()) ?? assert.fail();
  store.apply([{ type: "put", object }]);
}

/** The store, and how often all its names have been read. */
function counted(store: Store<Pod>) {
  let reads = 0;
  const values = (): Iterable<Pod> => {
    reads++;
    return store.values();
  };
  const known = {
    values,
    subscribe: store.subscribe.bind(store),
    ready: store.ready.bind(store),
    get synced(): boolean {
      return store.synced;
    },
  };
  return { known, reads: () => reads };
}

async function written(file: string, wanted: object): Promise<void> {
  const text = (): string => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return "";
    }
  };
  while (text() !== JSON.stringify(wanted)) await pause(5);
}

test("only what comes or goes is written, and only names of its kind are read for it", async () => {
  const file = join(folder, "known");
  const store = emptyStore("Pod");
  for (const name of ["b", "a"]) put(store, name);
  store.note({ synced: true });
  const { known, reads } = counted(store);
  const other = counted(emptyStore("Pod"));
  const memory: { cluster?: string } = {};
  const server = {
    get memory() {
      return memory.cluster === undefined ? undefined : { cluster: memory.cluster, versions: new Map() };
    },
  };
  const ending = new AbortController();
  const recollection = await Recollection.read(file, silent);
  const keeping = recollection.keep(server, { Pod: known, Service: other.known }, ending.signal);
  const names = (...pods: readonly string[]) => ({ names: { Pod: pods, Service: [] } });
  await written(file, names("shop/a", "shop/b"));
  const before = reads();
  for (const phase of ["Running", "Failed", "Running"]) put(store, "a", phase);
  put(store, "c");
  await written(file, names("shop/a", "shop/b", "shop/c"));
  assert.equal(reads(), before + 1);
  memory.cluster = "here";
  put(store, "a", "Failed");
  await written(file, { cluster: "here", ...names("shop/a", "shop/b", "shop/c") });
  assert.equal(reads(), before + 1);
  store.apply([{ type: "remove", namespace: "shop", name: "b" }]);
  await written(file, { cluster: "here", ...names("shop/a", "shop/c") });
  assert.equal(other.reads(), 0);
  ending.abort();
  await keeping;
  const successor = await Recollection.read(file, silent);
  assert.deepEqual([successor.cluster, successor.of("Pod")], ["here", ["shop/a", "shop/c"]]);
});
