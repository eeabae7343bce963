// `weft check` against real nodes: what is right, and what an operator may find on a node, put there by hand.

import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { suiteLimit } from "../real/suiteLimit.ts";
import { Cluster } from "./cluster.ts";

suite("weft check", suiteLimit, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.up({ name: "checks", nodes: 1 });
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const configurations = () => join(cluster.sandbox.layout.state, "other-net.d");
  const checkNode = (...more: readonly string[]) => {
    const { ovs, ovn } = cluster.sandbox.layout.nodeHosts[0] ?? assert.fail("no node");
    const paths = ["--vswitch", `unix:${ovs}/db.sock`, "--ovs-rundir", ovs, "--ovn-rundir", ovn];
    return cluster.weft("check", "node", ...paths, "--cni-conf-dir", configurations(), ...more);
  };
  const inNode = (...argv: readonly string[]) => cluster.sandbox.host("n1").exec(argv);

  test("a node that runs Weft and a cluster that has it are ready, with exit status 0", async () => {
    const node = await checkNode();
    assert.equal(node.status, 0, node.stdout + node.stderr);
    assert.match(node.stdout, /^ready: node /);
    assert.match(node.stdout, /^fine +ovn-controller follows tcp:/m);
    assert.match(node.stdout, /^fine +OVN \d\d\.\d\d\.\d/m);
    assert.match(node.stdout, /^fine +the uplink is eth0 \(br-ex\)$/m);
    assert.match(node.stdout, /\nnext: weft check cluster\n$/);
    const whole = await cluster.weft("check", "cluster");
    assert.equal(whole.status, 0, whole.stdout + whole.stderr);
    assert.match(whole.stdout, /^ready: cluster weft: /);
    assert.match(whole.stdout, /^fine +this identity has all rights of the controller /m);
    assert.match(whole.stdout, /\nnext: weft status\n$/);
  });

  test("everything that is in the way is found at once, nothing is changed, and it is gone with its cause", async () => {
    await mkdir(configurations(), { recursive: true });
    await writeFile(join(configurations(), "05-other.conflist"), '{"plugins":[{"type":"cilium-cni"}]}');
    await inNode("ip", "link", "add", "cni0", "type", "bridge");
    await inNode("ip", "address", "add", "10.244.77.1/24", "dev", "cni0");
    await inNode("ip", "link", "set", "cni0", "up");
    await inNode("nft", "add table ip kube-proxy; add table inet firewalld");
    await inNode(
      "ovs-vsctl",
      "add-port",
      "br-ex",
      "theirs",
      "--",
      "set",
      "Interface",
      "theirs",
      "type=patch",
      "options:peer=nobody",
    );
    const state = () =>
      Promise.all([
        // A new link's own address is tentative for a moment.
        inNode("ip", "address").then((addresses) => addresses.replaceAll(" tentative", "")),
        // The agent may write its tables again meanwhile, and then they are listed last.
        inNode("nft", "list", "ruleset").then((rules) => rules.split(/^(?=table )/m).toSorted()),
        inNode("ovs-vsctl", "--columns=name", "list", "Port"),
      ]);
    const before = await state();
    const { status, stdout } = await checkNode("-o", "json");
    assert.equal(status, 1);
    const {
      verdict,
      sentence,
      next,
      findings,
    }: {
      verdict: string;
      sentence: string;
      next: string;
      findings: { severity: string; what: string; mend: string }[];
    } = JSON.parse(stdout);
    const wrong = findings
      .filter(({ severity }) => severity !== "fine")
      .map(({ severity, what }) => `${severity}: ${what}`);
    assert.deepEqual(wrong.toSorted(), [
      "refusal: a route to 10.244.77.0/24 lies in the range 10.244.0.0/16 of pods",
      "refusal: another network configuration (cilium-cni) comes before Weft's",
      "refusal: br-ex has several ports that could lead to the network",
      "refusal: cni0 has 10.244.77.1/24, which is in the range 10.244.0.0/16 of pods",
      "warning: firewalld filters packets on this node",
      "warning: flannel is or was on this node",
      "warning: kube-proxy's rules are on this node",
    ]);
    assert.equal(verdict, "not ready");
    assert.match(sentence, /^not ready: node \S+: 4 refusals, the worst: /);
    assert.equal(next, findings[0]?.mend);
    assert.deepEqual(await state(), before);
    await rm(configurations(), { recursive: true });
    await inNode("ip", "link", "delete", "cni0");
    await inNode("nft", "delete table ip kube-proxy; delete table inet firewalld");
    await inNode("ovs-vsctl", "del-port", "br-ex", "theirs");
    assert.equal((await checkNode()).status, 0);
  });

  test("a second plugin in the cluster is refused, kube-proxy is named, and other ranges are noticed", async () => {
    const daemonSet = (name: string) => ({
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name, namespace: "kube-system" },
      spec: {
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: { nodeSelector: { none: "such" }, containers: [{ name: "c", image: "none" }] },
        },
      },
    });
    await cluster.apply(daemonSet("kube-proxy"), daemonSet("kube-flannel-ds"));
    const { status, stdout } = await cluster.weft("check", "cluster", "--service-cidr", "172.20.0.0/16");
    assert.equal(status, 1);
    assert.match(stdout, /^refusal +flannel runs in this cluster$/m);
    assert.match(stdout, /^refusal +the Service kubernetes has the address 10\.96\.0\.1/m);
    assert.match(stdout, /^warning +kube-proxy runs in this cluster$/m);
    await cluster.kubectl("delete", "-n", "kube-system", "daemonset", "kube-proxy", "kube-flannel-ds");
  });

  test("what does not answer is said, with exit status 2", async () => {
    const { status, stdout } = await cluster.weft(
      "check",
      "cluster",
      "--southbound",
      "unix:/nowhere",
      "--timeout",
      "1",
    );
    assert.equal(status, 2);
    assert.match(stdout, /^cannot tell: cluster weft: southbound: unix:\/nowhere did not answer/);
  });
});
