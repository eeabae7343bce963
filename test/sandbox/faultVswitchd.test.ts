// kill -9 and start of vswitchd, which with the userspace datapath takes all packets with it: streams between pods go on
// after a short pause, and every kind of new connection works on that node.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { demoApps, demoObjects } from "../../sandbox/demo/objects.ts";
import { pathsBetween } from "../../sandbox/demo/paths.ts";
import { checkPaths } from "../../sandbox/demo/probe.ts";
import { becomes, Cluster } from "./cluster.ts";
import { Stream } from "./stream.ts";

const nodes = ["n1", "n2"];

suite("vswitchd is killed on a node of two", { timeout: 110_000 }, () => {
  let cluster: Cluster;
  let stream: Stream;
  /** Between all but the ends of streams, which answer nobody. */
  const failures = async (): Promise<readonly string[]> => {
    const places = (await cluster.places()).filter(({ name }) => !name.includes("stream"));
    const checked = await checkPaths(cluster.sandbox, pathsBetween(places), () => undefined);
    return checked.flatMap(({ path, result }) => (result.ok ? [] : [`${path.id}: ${result.words}`]));
  };

  before(async () => {
    cluster = await Cluster.up({ name: "testvswitchd", nodes: nodes.length });
    await cluster.apply(...demoObjects(nodes, [4, 6]).items);
    for (const { namespace } of demoApps) await cluster.podsReady(namespace);
    await cluster.serveEcho("outside", 53, 8080);
    const [{ namespace } = { namespace: "" }] = demoApps;
    stream = await Stream.start(cluster, { namespace, name: "stream", from: "n1", to: "n2" });
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("the stream goes on by the same connections after at most 3 s", async () => {
    await cluster.sandbox.processes.kill("n2-vswitchd", "SIGKILL");
    await cluster.sandbox.processes.start("n2-vswitchd");
    await stream.expectGapOfAtMost(3_000);
  });

  test("new connections work between pods, nodes, Services and the world", async () => {
    await becomes("all paths work", [], failures);
  });

  test("a new pod works on that node", async () => {
    const [{ namespace } = { namespace: "" }] = demoApps;
    const late = await Stream.start(cluster, { namespace, name: "late-stream", from: "n2", to: "n1" });
    await late.expectNoGap();
    assert.equal((await cluster.weft("status")).status, 0);
  });
});
