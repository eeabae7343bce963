// `make kubernetes-kubeadm`: the overlay part of docs/install.md with its own commands, on machines that have containerd, kubelet and
// kubeadm, as kubeadm's own guide says, and Debian's Open vSwitch in userspace (`node.openVSwitch=host`). kubeadm also gets what
// configuration.ts says, and ignores what it finds amiss in such machines.

import assert from "node:assert/strict";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { programFolder } from "../build/versions.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { until } from "../cluster/cluster.ts";
import { downCluster } from "../cluster/down.ts";
import type { NodePlaces } from "../cluster/places.ts";
import { imageFile } from "../install/chart.ts";
import { Guide } from "../life/guide.ts";
import { namesAreFoundFrom, reachedFrom, startHalves, strangerGetsIn } from "../life/halves.ts";
import { reboot } from "../life/reboot.ts";
import { weftStatus } from "../life/whole.ts";
import { initConfiguration } from "./configuration.ts";
import { upMachines, useAdmin } from "./machines.ts";

const name = "kubeadm";
const minute = 60_000;
/** What kubeadm looks for that a machine for tests has not: swap that is off, a kernel's modules, a control group of its own. */
const here = "--ignore-preflight-errors=all";

suite("the guide, on machines that kubeadm makes a cluster of", { timeout: 30 * minute }, () => {
  let cluster: Cluster;
  let guide: Guide;

  const say = (line: string): void => console.log(`kubeadm: ${line}`);
  const nodes = (): readonly NodePlaces[] => cluster.places.nodes;
  const onNode = (node: NodePlaces, script: string): Promise<string> =>
    guide.onNode(node, `PATH=${programFolder}:$PATH\n${script}`);

  before(async () => {
    await downCluster(name);
    cluster = await upMachines(name, 2, say);
    const [first = "", second = ""] = nodes().map(({ host }) => host.name);
    guide = await Guide.open("install.md", cluster, {
      "192.0.2.10": cluster.places.controlPlane.addresses[0] ?? "",
      "node-1": first,
      "node-2": second,
      // This machine has no kernel module for Open vSwitch.
      "weft node uplink": "weft node uplink --datapath netdev",
      "--set apiServer.host": "--set node.openVSwitch=host --set node.datapath=netdev --set apiServer.host",
    });
  });
  after(() => downCluster(name));

  test("kubeadm makes the cluster, without kube-proxy", async () => {
    const { controlPlane } = cluster.places;
    const [init = "", ...others] = guide.block("kubeadm init").split("\n");
    assert.match(others.join("\n"), /kubeadm join/);
    await writeFile(
      join(controlPlane.directory, "root/etc/kubernetes/init.yaml"),
      initConfiguration(cluster.places),
    );
    await onNode(controlPlane, `${init} --config=/etc/kubernetes/init.yaml ${here}`);
    await useAdmin(cluster);
    const join_ = await onNode(controlPlane, "kubeadm token create --print-join-command");
    for (const node of nodes())
      if (node !== controlPlane) await onNode(node, `${join_.trim()} --node-name=${node.host.name} ${here}`);
    // Pods of the trial are to run everywhere, as kubeadm's guide has it for a cluster of one machine.
    await cluster.kubectl(["taint", "nodes", "--all", "node-role.kubernetes.io/control-plane-"]);
    await until("all nodes are NotReady, as the guide says", async () =>
      /n1 +NotReady[^]*n2 +NotReady/.test(await cluster.kubectl(["get", "nodes", "--no-headers"])),
    );
  });

  test("the image and the chart are installed, and the uplinks moved, first of one node by hand", async () => {
    for (const node of nodes()) {
      await copyFile(imageFile, join(node.directory, "root/var/lib/weft/weft-image.tar"));
      await guide.onNode(node, `cd /var/lib/weft\n${guide.block("images import weft-image.tar")}`);
    }
    await guide.operator(
      guide.block("'central.nodes[0].name=node-1' --set 'central.nodes[0].address=192.0.2.10'"),
    );
    await until("every node has its agent", async () => {
      const phases = await cluster.kubectl([
        ...["-n", "kube-system", "get", "pods", "-l", "app=weft-node"],
        ...["-o", "jsonpath={.items[*].status.phase}"],
      ]);
      return phases === "Running Running";
    });
    say(await guide.operator(guide.block("weft node uplink --dry-run")));
    await guide.operator(guide.block("node.uplink.move=true"));
  });

  test("nodes, names and the cluster are as the guide says at its end", async () => {
    const printed = await guide.operator(guide.block("rollout status daemonset/weft-node"));
    say(printed);
    assert.match(printed, /n1 condition met[^]*n2 condition met/);
    assert.match(printed, /^healthy/m);
    await startHalves(cluster);
    await everythingWorks();
  });

  test("it is the same after a reboot", async () => {
    const [, second] = nodes();
    assert.ok(second);
    await reboot(cluster, second);
    await cluster.kubectl([
      ...["-n", "kube-system", "rollout", "status", "daemonset/weft-node", "--timeout=5m"],
    ]);
    await everythingWorks();
    await until("weft status says healthy", async () => (await weftStatus(cluster)).status === 0);
  });

  async function everythingWorks(): Promise<void> {
    const wanted = [...nodes().flatMap(({ host }) => [`node ${host.name}`, `pod ${host.name}`]), "outside"];
    for (const { host } of nodes()) {
      let reached: readonly string[] = [];
      await until(`${host.name} reaches everything`, async () => {
        reached = await reachedFrom(cluster, host.name);
        return reached.length === wanted.length;
      }).catch(() => undefined);
      assert.deepEqual(reached, wanted.toSorted(), `what pods of ${host.name} reach`);
      await namesAreFoundFrom(cluster, host.name);
    }
    assert.ok(!(await strangerGetsIn(cluster)), "the policy is enforced");
  }
});
