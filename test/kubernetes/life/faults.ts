// `make kubernetes-faults`: what Weft stands on fails while pods, Services and policies come and go, on a cluster of its own with
// databases on three nodes. After each fault nothing is left over, and all pods reach each other.

import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Cluster, until } from "../cluster/cluster.ts";
import { downCluster } from "../cluster/down.ts";
import { upCluster } from "../cluster/up.ts";
import { centralOn, chartWith } from "../install/chart.ts";
import { Churn, startPods } from "./churn.ts";
import { weftContainers } from "./containers.ts";
import { apiServerIsReady, compact, copy, putBack } from "./etcd.ts";
import { powerOff, powerOn } from "./power.ts";
import { becomesWhole, weftStatus } from "./whole.ts";

const name = "faults";
const minute = 60_000;

suite("faults under a real Kubernetes while pods come and go", { timeout: 40 * minute }, () => {
  let cluster: Cluster;

  before(async () => {
    await downCluster(name);
    cluster = await upCluster({
      ...{ name, nodes: 3 },
      installation: chartWith(({ places }) => ({ central: centralOn(places, ["n1", "n2", "n3"]) })),
      progress: console.log,
    });
    await startPods(cluster);
    await becomesWhole(cluster);
  });
  after(() => downCluster(name));

  /** Does it between turns of the churn. */
  const whileTheyChange = async (fault: (churn: Churn) => Promise<void>): Promise<void> => {
    await using churn = Churn.start(cluster);
    await churn.turns(4);
    await fault(churn);
    await churn.turns(4);
  };

  test("the API server is killed, and is away for a while", async () => {
    await whileTheyChange(async () => {
      const { processes } = cluster.sandbox;
      await processes.kill("kube-apiserver", "SIGKILL");
      await delay(20_000);
      await processes.start("kube-apiserver");
      await apiServerIsReady(cluster);
    });
    await becomesWhole(cluster);
  });

  test("etcd is compacted, and then the API server is restarted", async () => {
    await whileTheyChange(async (churn) => {
      await compact(cluster);
      await churn.turns(3);
      await compact(cluster);
      await cluster.sandbox.processes.restart("kube-apiserver");
      await apiServerIsReady(cluster);
    });
    await becomesWhole(cluster);
  });

  test("a kubelet is killed, and is away for a while", async () => {
    await whileTheyChange(async (churn) => {
      const { processes } = cluster.sandbox;
      await processes.kill("n2-kubelet", "SIGKILL");
      await churn.turns(10);
      await processes.start("n2-kubelet");
    });
    await becomesWhole(cluster);
  });

  test("a node loses its power, and boots again", async () => {
    await whileTheyChange(async (churn) => {
      await powerOff(cluster, "n3");
      await churn.turns(15);
      await powerOn(cluster, "n3");
    });
    await becomesWhole(cluster);
  });

  test("etcd is put back to an earlier state: nothing is deleted before an operator approves it", async () => {
    await copy(cluster);
    await whileTheyChange(async (churn) => {
      await churn.turns(15);
      await putBack(cluster);
    });
    await until("weft status says that deletions are held back", async () =>
      (await weftStatus(cluster)).stdout.includes("holds deletions back"),
    );
    const signal = ["--", "sh", "-c", "kill -USR2 1"];
    for (const { name: container, pod } of await weftContainers(cluster))
      if (container === "controller")
        // A kubelet that has just been restarted does not know its pods yet.
        await until(`${pod} takes the signal`, async () => {
          const { status } = await cluster.tryKubectl(["-n", "kube-system", "exec", pod, ...signal]);
          return status === 0;
        });
    await becomesWhole(cluster);
  });
});
