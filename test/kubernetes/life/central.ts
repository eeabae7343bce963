// `make kubernetes-central`: OVN's databases as RAFT clusters on three nodes of a cluster of its own. Members, leaders, a disk
// and a node are lost, and the authorities that all certificates are signed by are replaced. Connections between pods, to
// Services and to ports of nodes stay through all of it.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type DatabaseName, databaseNames } from "../../../src/central/members.ts";
import { type Cluster, until } from "../cluster/cluster.ts";
import { downCluster } from "../cluster/down.ts";
import { upCluster } from "../cluster/up.ts";
import { centralOn, chartWith, upgradeChart, waiting } from "../install/chart.ts";
import { certificatesOf } from "./certificates.ts";
import { type Container, signalContainer, weftContainers } from "./containers.ts";
import { powerOff } from "./power.ts";
import { raftIsWhole, raftMembers } from "./raftMembers.ts";
import { rolledOut } from "./rollout.ts";
import { newPodsStart, startStreams, streamsGoOn } from "./streams.ts";

const name = "central";
const system = ["-n", "kube-system"];
/** Longer than a kubelet takes to bring a changed Secret into its pods. */
const settle = "2m";
const minute = 60_000;

suite("OVN's databases on three nodes", { timeout: 60 * minute }, () => {
  let cluster: Cluster;
  let streams: readonly string[];
  let members = ["n1", "n2", "n3"];

  const valuesOf = ({ places }: Cluster) => ({
    central: centralOn(places, members),
    tls: { signer: { settle } },
  });
  const allIsWell = async (nodes = cluster.places.nodes.map(({ host }) => host.name)) => {
    await rolledOut(cluster);
    for (const database of databaseNames) await raftIsWhole(cluster, database, members);
    await streamsGoOn(cluster, streams);
    await newPodsStart(cluster, nodes);
  };
  const runsAnew = (old: Container) =>
    until(`${old.name} on ${old.node} runs anew`, async () =>
      (await weftContainers(cluster)).some(
        ({ name: each, node, id }) => each === old.name && node === old.node && id !== "" && id !== old.id,
      ),
    );
  const victimOf = async (database: DatabaseName, leads: boolean): Promise<Container> => {
    const found = (await raftMembers(cluster, database)).find(({ status }) => status.leads === leads);
    assert.ok(found, `no ${leads ? "leader" : "follower"} of the ${database} database`);
    return found.container;
  };

  before(async () => {
    await downCluster(name);
    cluster = await upCluster({
      ...{ name, nodes: 4 },
      installation: chartWith(valuesOf),
      progress: console.log,
    });
    streams = await startStreams(cluster);
    await allIsWell();
  });
  after(() => downCluster(name));

  for (const database of databaseNames) {
    for (const role of ["follower", "leader"])
      test(`a ${role} of the ${database} database is killed: connections go on, and it comes back`, async () => {
        const victim = await victimOf(database, role === "leader");
        await signalContainer(cluster, victim, "SIGKILL");
        await streamsGoOn(cluster, streams);
        await runsAnew(victim);
        await allIsWell();
      });

    test(`the leader of the ${database} database hangs: another leads, and new pods start`, async () => {
      const victim = await victimOf(database, true);
      await signalContainer(cluster, victim, "SIGSTOP");
      try {
        await until("another member leads", async () =>
          (await raftMembers(cluster, database)).some(
            ({ container, status }) => status.leads && container.node !== victim.node,
          ),
        );
        await streamsGoOn(cluster, streams);
        await newPodsStart(cluster);
      } finally {
        // The kubelet may have ended it meanwhile, because it does not answer.
        if ((await weftContainers(cluster)).some(({ id }) => id === victim.id))
          await signalContainer(cluster, victim, "SIGCONT");
      }
      await allIsWell();
    });
  }

  test("a member loses its disk: it joins anew, and what it was is kicked out", async () => {
    const [victim] = (await weftContainers(cluster)).filter(
      ({ name: each, node }) => each === "keeper" && node === "n2",
    );
    assert.ok(victim);
    const place = cluster.places.nodes.find(({ host }) => host.name === victim.node);
    assert.ok(place);
    await rm(join(place.directory, "root/var/lib/weft/central"), { recursive: true });
    await cluster.kubectl([...system, "delete", "pod", victim.pod]);
    await allIsWell();
  });

  test("a node is lost for good, and another takes its place", async () => {
    const lost = "n3";
    await powerOff(cluster, lost);
    await cluster.kubectl(["delete", "node", lost]);
    const rest = cluster.places.nodes.map(({ host }) => host.name).filter((node) => node !== lost);
    await streamsGoOn(cluster, streams);
    await newPodsStart(cluster, rest);
    members = ["n1", "n2", "n4"];
    await upgradeChart(cluster, valuesOf(cluster), waiting);
    // The one that is lost counts for ten minutes more.
    for (const database of databaseNames) await raftIsWhole(cluster, database, members, { servers: 4 });
    await streamsGoOn(cluster, streams);
    await newPodsStart(cluster, rest);
  });

  test("authorities are replaced while all goes on, and whoever starts anew meanwhile is let in", async () => {
    const rest = ["n1", "n2", "n4"];
    const before = await certificatesOf(cluster);
    await cluster.kubectl([...system, "delete", "secret", "weft-authorities"]);
    const names = ["ovn-controller", "southbound", "northd", "controller", "northbound", "agent"];
    for (let round = 0; !(await certificatesOf(cluster)).isAnew(before); round++) {
      const containers = (await weftContainers(cluster)).filter(
        ({ name: each }) => each === names[round % names.length],
      );
      const victim = containers[Math.floor(round / names.length) % containers.length];
      assert.ok(victim);
      await signalContainer(cluster, victim, "SIGKILL");
      await runsAnew(victim);
      await rolledOut(cluster);
      await streamsGoOn(cluster, streams);
      await newPodsStart(cluster, rest);
      assert.ok(round < 100, "the authorities are not replaced");
      await delay(5_000);
    }
    // Only who has the new certificates is let in now.
    for (const each of ["ovn-controller", "southbound"])
      for (const victim of (await weftContainers(cluster)).filter(({ name: found }) => found === each)) {
        await signalContainer(cluster, victim, "SIGKILL");
        await runsAnew(victim);
        await rolledOut(cluster);
      }
    await streamsGoOn(cluster, streams);
    await newPodsStart(cluster, rest);
  });

  test("the server on the lost node has been kicked out, and the majority is that of three", async () => {
    for (const database of databaseNames)
      await raftIsWhole(cluster, database, members, { limitMs: 15 * minute });
    await allIsWell(members);
  });
});
