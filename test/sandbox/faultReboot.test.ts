// A node reboots: everything on it is gone, including its pods' namespaces, but the Open vSwitch database keeps the
// earlier ports. When the node starts again everything heals, and nobody has to delete a pod by hand.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { demoApps, demoObjects } from "../../sandbox/demo/objects.ts";
import { pathsBetween } from "../../sandbox/demo/paths.ts";
import { checkPaths } from "../../sandbox/demo/probe.ts";
import { inodesOf, namespacesWith, removeNamespaces } from "../../sandbox/fabric/netns.ts";
import { endProcesses } from "../../sandbox/process/end.ts";
import { processesInNetns } from "../../sandbox/process/procfs.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster } from "./cluster.ts";

const nodes = ["n1", "n2"];
const victim = "n2";

suite("a node that reboots", suiteLimit, () => {
  let cluster: Cluster;
  let addresses: readonly string[];
  const podAddresses = async (): Promise<readonly string[]> => [
    ...(await cluster.addressesOf("shop", `web-${victim}`)),
    ...(await cluster.addressesOf("bank", `till-${victim}`)),
  ];

  before(async () => {
    cluster = await Cluster.up({ name: "testreboot", nodes: nodes.length });
    await cluster.apply(...demoObjects(nodes, [4, 6]).items);
    for (const { namespace } of demoApps) await cluster.podsReady(namespace);
    await cluster.serveEcho("outside", 53, 8080);
    addresses = await podAddresses();
    await powerOff();
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("its pods run again when it is back, under the addresses they had, and all paths work", async () => {
    assert.equal((await podInterfaces()).length, 2, "the database kept the ports of the dead pods");
    const { processes } = cluster.sandbox;
    for (const name of ["ovsdb", "vswitchd", "ovn-controller", "runner", "agent"]) {
      await processes.start(`${victim}-${name}`);
    }
    await becomes("all paths work", [], failures);
    assert.deepEqual(await podAddresses(), addresses);
  });

  test("nothing of the former pods is left", async () => {
    await becomes("one port for each pod", 2, async () => (await podInterfaces()).length);
    await becomes("healthy", 0, async () => (await cluster.weft("status")).status);
    const errors = await cluster.sandbox
      .host(victim)
      .exec(["ovs-vsctl", "--bare", "--columns=name", "find", "Interface", "error!=[]"]);
    assert.equal(errors.trim(), "");
  });

  /** Kills every process of the node, including its pods', and removes what a reboot removes. */
  async function powerOff(): Promise<void> {
    const { host } = cluster.sandbox.host(victim);
    const namespaces = namespacesWith(`${host.netns}-`);
    assert.equal(namespaces.length, 2);
    const inodes = inodesOf([host.netns, ...namespaces]);
    await endProcesses(() => processesInNetns(inodes), 0);
    await removeNamespaces(namespaces);
    await cluster.sandbox.host(victim).tryExec(["ip", "link", "delete", "weft0"]);
    const node = cluster.sandbox.layout.nodeHosts.find(({ name }) => name === victim);
    await rm(`${node?.cniSocket}.served`);
  }

  /** Names of the pods' interfaces in the node's Open vSwitch database, which is started for this query. */
  async function podInterfaces(): Promise<readonly string[]> {
    await cluster.sandbox.processes.start(`${victim}-ovsdb`);
    const names = await cluster.sandbox
      .host(victim)
      .exec(["ovs-vsctl", "--bare", "--columns=name", "find", "Interface", 'external_ids:"weft.io/pod"!=""']);
    return names.split("\n").filter((name) => name !== "");
  }

  async function failures(): Promise<readonly string[]> {
    const paths = pathsBetween(await cluster.places());
    const checked = await checkPaths(cluster.sandbox, paths, () => undefined);
    return checked.flatMap(({ path, result }) => (result.ok ? [] : [`${path.id}: ${result.words}`]));
  }
});
