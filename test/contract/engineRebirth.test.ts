// A balancer that goes and comes back while ovn-northd looks away. Balancers' UUIDs are computed, so it is the same row
// again, and a northd that sees both at once would die of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FactList } from "../../src/plan/facts.ts";
import { startOvnCentral } from "../real/ovnCentral.ts";
import { bounded, refOf, scope, startEngine, switchFacts } from "./engineWorld.ts";

const owner = "service/web";

function groupFacts() {
  const facts = new FactList(scope, "cluster");
  facts.row("Load_Balancer_Group", "services", { name: "services" });
  const group = facts.ref("Load_Balancer_Group", "services");
  facts.member("Logical_Switch", facts.ref("Logical_Switch", "n1"), "load_balancer_group", group);
  return facts.facts;
}

function balancerFacts() {
  const facts = new FactList(scope, owner);
  const vips = new Map([["10.96.0.9:80", "10.244.0.9:8080"]]);
  const balancer = facts.row("Load_Balancer", "web", { name: "web", protocol: "tcp", vips });
  const group = facts.ref("Load_Balancer_Group", "services");
  facts.member("Load_Balancer_Group", group, "load_balancer", balancer);
  return facts.facts;
}

test(
  "a balancer comes back only when ovn-northd has seen it go, and nothing else waits for that",
  bounded,
  async () => {
    await using central = await startOvnCentral();
    await using running = await startEngine({
      remote: central.northbound.remote,
      southbound: central.southbound.remote,
    });
    const { engine, desired, replica } = running;
    const isThere = (): boolean =>
      replica.table("Load_Balancer").get(refOf("Load_Balancer", "web")) !== undefined;
    desired.replace("node/n1", switchFacts("n1"));
    desired.replace("cluster", groupFacts());
    desired.replace(owner, balancerFacts());
    await engine.committed(owner);
    await central.caughtUp();
    assert.match(await central.sbctl("--bare", "--columns=name", "list", "Load_Balancer"), /^web$/m);

    central.pauseNorthd();
    desired.replace(owner, []);
    await engine.committed(owner);
    assert.ok(!isThere());
    desired.replace(owner, balancerFacts());
    desired.replace("node/n2", switchFacts("n2"));
    await engine.committed("node/n2");
    await engine.settled();
    assert.ok(!isThere());
    central.northdGoesOn();
    await engine.committed(owner);
    assert.ok(isThere());
    await central.caughtUp();
    assert.match(await central.sbctl("--bare", "--columns=name", "list", "Load_Balancer"), /^web$/m);
    assert.deepEqual(
      (await central.complaints()).filter((line) => !line.includes("|WARN|")),
      [],
    );
  },
);
