import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type ApiServer, startApi } from "../../sandbox/api/start.ts";
import { freePort } from "../../sandbox/freePort.ts";
import { KubeClient } from "../../src/kube/client.ts";
import type { KindMap } from "../../src/kube/kinds.ts";
import type { Store } from "../../src/kube/store.ts";
import { watchKind } from "../../src/kube/watch.ts";
import { until } from "../real/until.ts";
import { LyingProxy } from "./lyingProxy.ts";

suite("the proxy that lies", () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-proxy-"));
  const ending = new AbortController();
  let api: ApiServer;
  let proxy: LyingProxy;
  let client: KubeClient;
  let store: Store<KindMap["Namespace"]>;

  const names = async (): Promise<readonly string[]> =>
    (await client.list("/api/v1/namespaces")).items.map(
      (item) => JSON.parse(JSON.stringify(item)).metadata.name,
    );
  const make = (name: string) => client.create("/api/v1/namespaces", { metadata: { name } });

  before(async () => {
    const socketPath = join(folder, "api.sock");
    api = await startApi({
      stateDir: folder,
      host: "127.0.0.1",
      port: 0,
      socketPath,
      names: [],
      serviceCidrs: ["10.96.0.0/16"],
      endpoints: [],
      kubeletSocket: (node) => node,
    });
    proxy = new LyingProxy({ socketPath, ca: api.credentials.ca, token: api.credentials.token });
    const port = await freePort();
    await proxy.listen(port);
    client = new KubeClient({ server: `http://127.0.0.1:${port}`, namespace: "default" });
    store = watchKind(client, "Namespace", { signal: ending.signal });
    await store.ready(ending.signal);
  });
  after(async () => {
    ending.abort();
    client[Symbol.dispose]();
    await proxy[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test("passes on reads, writes and watches while it tells the truth", async () => {
    await make("shop");
    await until("the watch has it", () => store.get("", "shop") !== undefined);
    assert.equal((await names()).includes("shop"), true);
  });

  test("leaves everything or half of it out of lists, but not what is asked for by name", async () => {
    const all = await names();
    proxy.say("nothing");
    assert.deepEqual(await names(), []);
    proxy.say("less");
    assert.equal((await names()).length, Math.floor(all.length / 2));
    for (const name of all) await client.get(`/api/v1/namespaces/${name}`);
    proxy.say("the truth");
    assert.deepEqual(await names(), all);
  });

  test("shows an earlier list, and its watches are silent meanwhile", async () => {
    const all = await names();
    proxy.say("older");
    await make("bank");
    assert.deepEqual(await names(), all);
    proxy.say("the truth");
    await until("the watch has listed again", () => store.get("", "bank") !== undefined);
  });

  test("is another cluster's empty server", async () => {
    proxy.say("another");
    assert.deepEqual(await names(), []);
    const { metadata }: { metadata: { uid: string } } = JSON.parse(
      JSON.stringify(await client.get("/api/v1/namespaces/kube-system")),
    );
    assert.equal(metadata.uid, "another");
    await assert.rejects(client.get("/api/v1/namespaces/shop"), /NotFound/);
    proxy.say("the truth");
  });

  test("lacks the kind, and fails two requests of three", async () => {
    proxy.say("not served");
    await assert.rejects(names(), /NotFound/);
    proxy.say("broken");
    const outcomes = await Promise.allSettled([names(), names(), names(), names(), names(), names()]);
    assert.ok(outcomes.some(({ status }) => status === "rejected"));
    proxy.say("the truth");
    await make("last");
    await until("the watch has listed again", () => store.get("", "last") !== undefined);
  });
});
