// `weft node cleanup`: a node that Weft has left is as it was before Weft came, and what is somebody else's stays.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { suiteLimit } from "../real/suiteLimit.ts";
import { Cluster, eventually } from "./cluster.ts";
import { namespace, pod, service } from "./manifests.ts";

const ns = "leaving";
const nodePort = 30_080;

suite("weft node cleanup", suiteLimit, () => {
  let cluster: Cluster;
  let running: Awaited<ReturnType<typeof state>>;
  const weftProcesses = ["n1-agent", "n1-runner", "n1-ovn-controller"];

  const host = () => cluster.sandbox.layout.nodeHosts[0] ?? assert.fail("no node");
  const inNode = (...argv: readonly string[]) => cluster.sandbox.host("n1").exec(argv);
  const folders = () => {
    const { argv } = cluster.sandbox.processes.record("n1-agent");
    const valueOf = (flag: string): string => argv[argv.indexOf(flag) + 1] ?? "";
    return {
      confs: valueOf("--cni-conf-dir"),
      plugins: valueOf("--cni-bin-dir"),
      socket: valueOf("--cni-socket"),
    };
  };
  const cleanup = (...more: readonly string[]) => {
    const { ovs, ovn } = host();
    const { confs, plugins, socket } = folders();
    const paths = ["--vswitch", `unix:${ovs}/db.sock`, "--ovs-rundir", ovs, "--ovn-rundir", ovn];
    const cni = ["--cni-socket", socket, "--cni-conf-dir", confs, "--cni-bin-dir", plugins];
    return cluster.weft("node", "cleanup", "--node", "n1", ...paths, ...cni, ...more);
  };
  const lines = (text: string): readonly string[] =>
    text
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean)
      .toSorted();
  const state = async () => {
    const { ovs } = host();
    const { confs, plugins } = folders();
    const flows = await inNode(
      "ovs-ofctl",
      "-OOpenFlow14",
      "--no-stats",
      "dump-flows",
      `unix:${ovs}/br-ex.mgmt`,
    );
    const files = (folder: string) => readdir(folder).catch(() => []);
    return {
      links: lines(await inNode("ip", "-o", "link")).map((line) => line.split(": ")[1] ?? ""),
      addresses: lines(await inNode("ip", "-o", "address", "show", "scope", "global"))
        .map((line) => line.replace(/^\d+: /, ""))
        .filter((line) => !line.startsWith("weft0")),
      routes: [
        ...lines(await inNode("ip", "-4", "route")),
        ...lines(await inNode("ip", "-6", "route", "show", "default")),
      ],
      tables: lines(await inNode("nft", "list", "tables")),
      bridges: lines(await inNode("ovs-vsctl", "list-br")),
      ports: lines(await inNode("ovs-vsctl", "list-ports", "br-ex")),
      ids: lines(
        (await inNode("ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids"))
          .replaceAll(/[{}]/g, "")
          .replaceAll(", ", "\n"),
      ),
      queues: lines(await inNode("ovs-vsctl", "--bare", "--columns=_uuid", "list", "Queue")),
      flows: lines(flows).filter((line) => line.includes("actions")),
      files: [...(await files(confs)), ...(await files(plugins))],
    };
  };

  before(async () => {
    cluster = await Cluster.up({ name: "cleanup", nodes: 1 });
    const open = {
      type: "NodePort" as const,
      selector: { app: "last" },
      ports: [{ port: 80, targetPort: 8080, nodePort }],
      externalTrafficPolicy: "Local",
    };
    await cluster.apply(
      namespace(ns),
      pod({ namespace: ns, name: "last", node: "n1", labels: { app: "last" } }),
      service({ namespace: ns, name: "open", spec: open }),
    );
    await cluster.podsReady(ns);
    await eventually("br-ex leads the node port into OVN", async () =>
      (await state()).flows.some((flow) => flow.includes(`tp_dst=${nodePort}`)),
    );
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("under a running agent or a running ovn-controller nothing is removed", async () => {
    const { status, stderr } = await cleanup();
    assert.equal(status, 2);
    assert.match(stderr, /an agent runs on this node already/);
    for (const name of ["n1-agent", "n1-runner"]) await cluster.sandbox.processes.stop(name);
    const second = await cleanup();
    assert.equal(second.status, 2);
    assert.match(second.stderr, /ovn-controller runs on this node.*Nothing has been removed/);
  });

  test("a dry run names everything, and removes nothing", async () => {
    await cluster.sandbox.processes.stop("n1-ovn-controller");
    // Somebody else's, beside Weft's.
    await inNode("ovs-vsctl", "set", "Open_vSwitch", ".", "external_ids:theirs=yes");
    await inNode(
      "ovs-vsctl",
      "set",
      "Open_vSwitch",
      ".",
      'external_ids:ovn-cms-options="weft-cluster=weft,theirs"',
    );
    await inNode("nft", "add table inet theirs");
    running = await state();
    const { status, stdout, stderr } = await cleanup("--dry-run");
    assert.equal(status, 0, stderr);
    for (const expected of [
      /^would remove \d+ things from node n1:$/m,
      /^file .*10-weft\.conflist$/m,
      /^bridge br-int of Open vSwitch, with its tunnels and weft0$/m,
      /^Open_vSwitch external_ids:ovn-remote$/m,
      /^Weft's part of Open_vSwitch external_ids:ovn-cms-options$/m,
      /^Weft's flows on br-ex$/m,
      /^nftables table inet weft$/m,
      /^nftables table inet weft_way_in$/m,
      /^interface w[0-9a-f]{14} of a pod$/m,
      /^next: weft node cleanup --node n1/m,
    ])
      assert.match(stdout, expected);
    assert.deepEqual(await state(), running);
  });

  test("afterwards the node has nothing of Weft's, all of its own, and reaches the network", async () => {
    const { status, stderr } = await cleanup();
    assert.equal(status, 0, stderr);
    const left = await eventually("Open vSwitch has removed its interfaces", async () => {
      const now = await state();
      return !now.links.includes("weft0") && now;
    });
    assert.deepEqual(left.bridges, ["br-ex"]);
    assert.deepEqual(left.ports, ["eth0"]);
    assert.deepEqual(
      left.links.filter((name) => !/^(ovs-netdev|lo|eth0@\S+|br-ex)$/.test(name)),
      [],
    );
    assert.deepEqual(left.ids, ["ovn-cms-options=theirs", "theirs=yes"]);
    assert.deepEqual(left.queues, []);
    assert.deepEqual(left.files, []);
    assert.deepEqual(
      left.tables,
      running.tables.filter((table) => !/^table inet weft(_way_in)?$/.test(table)),
    );
    assert.equal(left.flows.length, 1);
    assert.match(left.flows[0] ?? "", /actions=NORMAL/);
    assert.deepEqual(left.addresses, running.addresses);
    assert.deepEqual(
      left.routes,
      running.routes.filter((line) => !line.includes("weft0")),
    );
    await inNode("ping", "-c", "1", "-W", "2", "172.30.0.1");
  });

  test("cleaned again, there is nothing to remove; and Weft can come back", async () => {
    const { status, stdout } = await cleanup();
    assert.deepEqual([status, stdout], [0, "nothing of cluster weft is on node n1\n"]);
    for (const name of weftProcesses.toReversed()) await cluster.sandbox.processes.start(name);
    await cluster.kubectl("delete", "pod", "-n", ns, "last", "--now");
    await cluster.apply(pod({ namespace: ns, name: "again", node: "n1" }));
    await cluster.podsReady(ns, "again");
  });
});
