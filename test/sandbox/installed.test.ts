// What is in force on chassis, as real ovn-controllers report it: the promise on which a closed port is opened.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { plainAddress } from "../../sandbox/host.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { upSandbox } from "../../sandbox/up.ts";
import { Engine } from "../../src/apply/engine.ts";
import { Fence } from "../../src/apply/fence.ts";
import { Generations } from "../../src/apply/generations.ts";
import { Desired } from "../../src/desired/desired.ts";
import { systemClock } from "../../src/kube/clock.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { southbound } from "../../src/ovn/southbound.gen.ts";
import { Session } from "../../src/ovsdb/index.ts";
import { scope, switchFacts, wholeReplica } from "../contract/engineWorld.ts";
import { privateName } from "../real/privateName.ts";

const limit = { timeout: 60_000 };
const base = mkdtempSync(join(tmpdir(), "weft-installed-"));

suite("what chassis have in force", () => {
  let sandbox: Sandbox;
  let engine: Engine;
  let running: Promise<void>;
  const desired = new Desired();
  const over = new AbortController();
  const stack = new AsyncDisposableStack();

  before(async () => {
    sandbox = await upSandbox({ name: privateName("installed"), nodes: 2, parts: "ovn", base });
    const { central, nodeHosts } = sandbox.layout;
    for (const { name, addresses } of nodeHosts)
      await sandbox
        .host(name)
        .exec([
          ...["ovs-vsctl", "set", "Open_vSwitch", "."],
          `external_ids:system-id=chassis-${name}`,
          `external_ids:ovn-remote=${central.southbound}`,
          "external_ids:ovn-encap-type=geneve",
          `external_ids:ovn-encap-ip=${plainAddress(addresses[0] ?? "")}`,
        ]);
    const open = (database: string, socket: string): Session => {
      const session = stack.use(new Session({ remotes: [`unix:${socket}`], database }));
      session.start();
      return session;
    };
    const north = open("OVN_Northbound", central.northboundSocket);
    const south = open("OVN_Southbound", central.southboundSocket);
    const replica = wholeReplica(north);
    const chassis = south.replica(southbound, { Chassis_Private: { columns: ["name", "nb_cfg"] } });
    const counted = north.replica(northbound, { NB_Global: { columns: ["nb_cfg", "sb_cfg"] } });
    const fence = new Fence({ database: northbound, cluster: scope.cluster, holder: "test" });
    await north.connected();
    await fence.take(north, replica);
    engine = new Engine({
      destination: scope.destination,
      cluster: scope.cluster,
      database: northbound,
      desired,
      session: north,
      replica,
      fence,
      generations: new Generations({ session: north, northbound: counted, southbound: chassis, fence }),
      clock: systemClock,
      log: () => undefined,
    });
    engine.allSynced();
    running = engine.run(over.signal);
    while (chassis.table("Chassis_Private").size < 2) await pause(50);
  }, limit);

  after(async () => {
    over.abort(new Error("the tests are over"));
    await running;
    await stack[Symbol.asyncDispose]();
    await sandbox.down();
    rmSync(base, { recursive: true, force: true });
  }, limit);

  test(
    "it is installed when every named ovn-controller has reported it, however many ask at once",
    limit,
    async () => {
      desired.replace("node/a", switchFacts("a"));
      desired.replace("node/b", switchFacts("b"));
      const answers = await Promise.all(
        ["node/a", "node/b", "node/a"].map((owner) => engine.installed(owner, ["chassis-n1", "chassis-n2"])),
      );
      assert.deepEqual(answers, ["installed", "installed", "installed"]);
    },
  );

  test(
    "a chassis that does not answer keeps it waiting, and others do not wait for that one",
    limit,
    async () => {
      await sandbox.processes.pause("n2-ovn-controller");
      desired.replace("node/c", switchFacts("c"));
      let isThere = false;
      const everywhere = engine.installed("node/c", ["chassis-n1", "chassis-n2"]).then((answer) => {
        isThere = true;
        return answer;
      });
      assert.equal(await engine.installed("node/c", ["chassis-n1"]), "installed");
      assert.equal(isThere, false);
      await sandbox.processes.resume("n2-ovn-controller");
      assert.equal(await everywhere, "installed");
    },
  );

  test("of a chassis that is not there nobody can tell", limit, async () => {
    assert.equal(await engine.installed("node/a", ["chassis-n1", "chassis-n9"]), "unknown");
  });

  test("somebody else who asks for numbers too disturbs nothing", limit, async () => {
    const others = Array.from({ length: 5 }, () =>
      sandbox.central.exec(["ovn-nbctl", "--wait=sb", "--timeout=20", "sync"]),
    );
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => engine.installed("node/a", ["chassis-n1", "chassis-n2"])),
    );
    assert.deepEqual(new Set(answers), new Set(["installed"]));
    await Promise.all(others);
  });
});
