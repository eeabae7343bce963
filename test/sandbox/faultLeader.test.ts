// Two controllers. When one is killed, the other leads and changes nothing. When one is suspended past its Lease, the
// other takes over, and the fence in the database refuses what the first one sends when it wakes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { type Relay, startRelay } from "../real/relay.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually } from "./cluster.ts";
import { namespace, pod } from "./manifests.ts";
import { settled } from "./ovnDump.ts";

const metricsPort = { controller: 9411, second: 9421 } as const;
type Name = keyof typeof metricsPort;

suite("two controllers", suiteLimit, () => {
  let cluster: Cluster;
  /** The second controller's connection to the northbound database. */
  let relay: Relay;

  const log = (name: Name): string => readFileSync(cluster.sandbox.processes.logFile(name), "utf8");
  const count = (name: Name, message: string): number => log(name).split(`"msg":"${message}"`).length - 1;
  const leads = async (name: Name): Promise<boolean> =>
    (await cluster.metrics("n1", metricsPort[name])).get("weft_leader") === 1;
  const works = async (name: string): Promise<void> => {
    await cluster.apply(pod({ namespace: "fault", name, node: "n1" }));
    await cluster.podsReady("fault", name);
  };

  before(async () => {
    cluster = await Cluster.up({ name: "testleader", nodes: 2 });
    const { processes } = cluster.sandbox;
    const first = processes.record("controller");
    relay = await startRelay(`unix:${cluster.sandbox.layout.central.northboundSocket}`);
    const own = ["--metrics-address", `127.0.0.1:${metricsPort.second}`, "--northbound", relay.remote];
    const argv = [...first.argv, ...own];
    await processes.launch({ ...first, name: "second", argv });
    await cluster.apply(namespace("fault"));
    await works("before");
    await eventually("the second waits to lead", () => count("second", "waiting to lead") === 1);
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await relay?.[Symbol.asyncDispose]();
  });

  test("when the leader is killed the other leads, and writes nothing but its epoch", async () => {
    const { processes } = cluster.sandbox;
    const rows = await settled(contents);
    await processes.kill("controller", "SIGKILL");
    await eventually("the second leads", () => leads("second"));
    await eventually("it is steady", () => count("second", "steady") === 1);
    const metrics = await cluster.metrics("n1", metricsPort.second);
    assert.equal(metrics.get("weft_transaction_operations_count"), 0);
    assert.deepEqual(await contents(), rows);
    await works("after-kill");
  });

  test("a leader that was suspended past its Lease cannot write, reports it and waits to lead again", async () => {
    const { processes } = cluster.sandbox;
    await processes.start("controller");
    await eventually("the first waits to lead", () => count("controller", "waiting to lead") === 2);
    await processes.pause("second");
    await eventually("the first leads", () => leads("controller"));
    await eventually("it is steady", () => count("controller", "steady") === 2);
    // What the sleeper will want to write: a pod that it has not seen.
    await works("meanwhile");
    const before = await settled(contents);
    await processes.resume("second");
    await eventually("it waits to lead again", () => count("second", "waiting to lead") === 2);
    assert.match(
      log("second"),
      /leadership by .* ended: |another controller took the fence; this one must not write/,
    );
    assert.equal(await leads("second"), false);
    assert.equal(await leads("controller"), true);
    assert.deepEqual(await contents(), before);
    await works("after-sleep");
    await becomes("healthy", 0, async () => (await cluster.weft("status")).status);
  });

  test("a leader that loses its connection to the database lets another lead", async () => {
    const { processes } = cluster.sandbox;
    await processes.stop("controller");
    await eventually("the second leads", () => leads("second"));
    await processes.start("controller");
    await eventually("the first waits to lead", () => count("controller", "waiting to lead") === 3);
    await relay[Symbol.asyncDispose]();
    await eventually("the first leads", () => leads("controller"));
    assert.match(log("second"), /no connection to the northbound database for 15 s/);
    await works("after-cut");
    assert.equal(await leads("second"), false);
  });

  /** All ports and balancers by UUID, but not the fence's holder. */
  async function contents(): Promise<readonly string[]> {
    const tables = ["Logical_Switch", "Logical_Switch_Port", "Logical_Router_Port", "Load_Balancer", "NAT"];
    return Promise.all(
      tables.map((table) => cluster.northbound("--columns=_uuid,external_ids", "list", table)),
    );
  }
});
