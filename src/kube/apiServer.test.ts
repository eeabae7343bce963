import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiServer } from "./apiServer.ts";
import { kinds } from "./kinds.ts";

/** A server at `version`, which `meanwhile` may change something about while it is asked. */
function serverAt(
  version: () => number,
  meanwhile: (server: ApiServer) => void = () => undefined,
): ApiServer {
  const server: ApiServer = new ApiServer({
    get: async () => ({ metadata: { uid: "this" } }),
    list: async () => {
      const resourceVersion = String(version());
      meanwhile(server);
      return { items: [], continue: "", resourceVersion };
    },
  });
  return server;
}

test("a server that shows an older state than before is doubted until it has caught up", async () => {
  let version = 10;
  const server = serverAt(() => version);
  server.reached(kinds.Service, "20");
  assert.equal(await server.look(kinds.Service), "other");
  assert.match(server.doubt ?? "", /services at version 10, known up to 20/);
  version = 20;
  assert.equal(await server.look(kinds.Service), "known");
  assert.equal(server.doubt, undefined);
});

test("a doubt ends when the server has caught up, whichever resource is looked at then", async () => {
  let version = 10;
  const server = serverAt(() => version);
  for (const kind of [kinds.Node, kinds.Service]) server.reached(kind, "20");
  assert.equal(await server.look(kinds.Node), "other");
  version = 19;
  assert.equal(await server.look(kinds.Service), "other");
  assert.match(server.doubt ?? "", /nodes at version 19, known up to 20/);
  version = 21;
  assert.equal(await server.look(kinds.Service), "known");
  assert.equal(server.doubt, undefined);
});

test("what somebody else knows is of the present state unless it is later, of another cluster, or of other resources", async () => {
  const server = serverAt(() => 10);
  for (const kind of [kinds.Service, kinds.Pod]) server.reached(kind, "20");
  for (const kind of [kinds.Service, kinds.Pod]) await server.look(kind);
  const shows = (cluster: string, versions: Readonly<Record<string, string>>): boolean =>
    server.showsWhat({ cluster, versions: new Map(Object.entries(versions)) });
  assert.equal(shows("this", { services: "10", pods: "9", leases: "30" }), true);
  assert.equal(shows("this", { services: "11", pods: "9" }), false);
  assert.equal(shows("this", { services: "10" }), false);
  assert.equal(shows("other", { services: "10", pods: "9" }), false);
});

test("what a watch tells of while the server is looked at makes its answer no older", async () => {
  const server = serverAt(
    () => 10,
    (looked) => looked.reached(kinds.Service, "11"),
  );
  assert.equal(await server.look(kinds.Service), "known");
  assert.equal(server.doubt, undefined);
});

test("of an older state only what has changed since counts, and of another cluster nothing", async () => {
  let [version, uid] = [50, "this"];
  const server = new ApiServer({
    get: async () => ({ metadata: { uid } }),
    list: async () => ({ items: [], continue: "", resourceVersion: String(version) }),
  });
  const accepted = (): readonly boolean[] =>
    ["9", "10", "11", "60"].map((of) => server.accepts(kinds.Service, of));
  await server.look(kinds.Service);
  server.reached(kinds.Service, "50");
  assert.deepEqual(accepted(), [true, true, true, true]);
  for (version of [10, 12]) {
    await server.look(kinds.Service);
    assert.deepEqual(accepted(), [false, false, true, true]);
  }
  [version, uid] = [100, "another"];
  await server.look(kinds.Service);
  assert.deepEqual(accepted(), [false, false, false, false]);
  server.believe();
  assert.deepEqual(accepted(), [true, true, true, true]);
});
