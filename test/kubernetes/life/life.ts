// `make kubernetes-life`: what an operator does to an installed chart, on a cluster of its own that is gone afterwards.
// Connections between pods, to Services and to ports of nodes stay through all of it, until Weft is removed. The variable INSTALL
// says how it is installed, as for `make e2e`.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { weft } from "../../../sandbox/processes.ts";
import { type Cluster, until } from "../cluster/cluster.ts";
import { downCluster } from "../cluster/down.ts";
import { upCluster } from "../cluster/up.ts";
import { helm, tagImage, upgradeChart, waiting } from "../install/chart.ts";
import { clusterIdOf } from "../install/cloud.ts";
import { installationNamed } from "../install/installations.ts";
import { signalContainer, weftContainers } from "./containers.ts";
import { nodeStates } from "./nodeState.ts";
import { rolledOut } from "./rollout.ts";
import { namespace, newPodsStart, startStreams, streamsGoOn } from "./streams.ts";

const name = "life";
const system = ["-n", "kube-system"];
const installation = installationNamed(process.env["INSTALL"] || "chart");
const containers = {
  overlay: [
    ...["agent", "controller", "keeper", "northbound", "northd", "ovn-controller", "signer", "southbound"],
  ],
  underlay: ["agent", "controller"],
};

suite("the life of an installed chart", { timeout: 20 * 60_000 }, () => {
  let cluster: Cluster;
  let fresh: Awaited<ReturnType<typeof nodeStates>>;
  let streams: readonly string[];

  const kubectl = (...args: readonly string[]) => cluster.kubectl([...system, ...args]);
  const images = async () =>
    new Set(
      (await kubectl("get", "pods", "-o", "jsonpath={..spec.containers[*].image}"))
        .split(" ")
        .filter((image) => image.includes("weft")),
    );
  const allIsWell = async () => {
    await rolledOut(cluster);
    await streamsGoOn(cluster, streams);
    await newPodsStart(cluster);
  };

  before(async () => {
    await downCluster(name);
    cluster = await upCluster({
      name,
      nodes: 2,
      installation: {
        ...installation,
        async install(installing, signal) {
          fresh = await nodeStates(installing);
          await installation.install(installing, signal);
        },
      },
      progress: console.log,
    });
    streams = await startStreams(cluster);
  });
  after(() => downCluster(name));

  test("an upgrade and the way back leave connections alone", async () => {
    const [before = ""] = await images();
    const next = before.replace(/:[^:]*$/, ":next");
    for (const node of cluster.places.nodes) await tagImage(node, "next");
    await upgradeChart(cluster, { image: { tag: "next" } }, waiting);
    assert.deepEqual([...(await images())], [next]);
    await allIsWell();
    await helm(cluster, ["rollback", "weft", ...waiting]);
    assert.deepEqual([...(await images())], [before]);
    await allIsWell();
  });

  test("while no controller runs, connections go on; a pod made meanwhile starts when one is back", async () => {
    await kubectl("scale", "deployment/weft-controller", "--replicas=0");
    await kubectl("wait", "--for=delete", "pod", "-l", "app=weft-controller", "--timeout=60s");
    await streamsGoOn(cluster, streams);
    const started = newPodsStart(cluster);
    await kubectl("scale", "deployment/weft-controller", "--replicas=2");
    await started;
    await allIsWell();
  });

  test("whichever container is killed, connections go on and it comes back", async () => {
    const victims = Map.groupBy(await weftContainers(cluster), ({ name: container }) => container);
    assert.deepEqual([...victims.keys()].toSorted(), containers[installation.mode]);
    for (const [container, instances] of victims) {
      for (const instance of instances) await signalContainer(cluster, instance, "SIGKILL");
      await until(`every ${container} runs anew`, async () => {
        const now = (await weftContainers(cluster)).filter(({ name: each }) => each === container);
        return (
          now.length === instances.length && !now.some(({ id }) => instances.some((old) => old.id === id))
        );
      });
      await allIsWell();
    }
  });

  test("removed and uninstalled, every node is as it was before Weft, and Weft can come again", async () => {
    await cluster.kubectl(["delete", "namespace", namespace, "--timeout=100s"]);
    await cluster.kubectl([...system, "delete", "deployment", "coredns"]);
    await upgradeChart(cluster, { remove: true }, waiting);
    await helm(cluster, ["uninstall", "weft", "--wait", "--timeout=2m"]);
    await until("the nodes have let go of Weft's pods", async () => {
      const left = await kubectl("get", "pods", "-o", "name");
      return !left.includes("weft");
    });
    assert.deepEqual(await nodeStates(cluster), fresh);
    if (installation.mode === "underlay")
      assert.match(await leftInCloud(cluster), /^nothing of cluster life/);
    await installation.install(cluster, undefined);
    streams = await startStreams(cluster);
    await allIsWell();
  });
});

/** What `weft teardown` would still find in the northbound database. */
const leftInCloud = ({ sandbox, places }: Cluster): Promise<string> =>
  sandbox.central.exec([
    ...weft("teardown", {
      cluster: clusterIdOf(places.layout),
      northbound: `unix:${places.layout.central.northboundSocket}`,
    }),
    "--dry-run",
  ]);
