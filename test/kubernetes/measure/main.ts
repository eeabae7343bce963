// `make kubernetes-bench`: what pods and Services take on a real Kubernetes of this machine, as a table and as JSON. The
// cluster is that of `make kubernetes`, and stays up.

import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Figure, figureTable, repeated } from "../../../bench/figure.ts";
import { machine } from "../../../bench/machine.ts";
import { quantile } from "../../../bench/quantile.ts";
import { KubeClient } from "../../../src/kube/client.ts";
import { loadKubeconfig } from "../../../src/kube/kubeconfig.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { upCluster } from "../cluster/up.ts";
import { asProcesses } from "../install/processes.ts";
import { podStarts } from "./podStart.ts";
import { rollingRestart } from "./rollout.ts";

const { values } = parseArgs({
  options: { name: { type: "string", default: "kubernetes" }, nodes: { type: "string", default: "2" } },
});
const replicas = 50;
/** The first pod of a cluster waits for caches to fill; it is not measured. */
const warmUps = 2;

async function startFigures(cluster: Cluster, client: KubeClient): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  await podStarts(cluster, client, warmUps, "in turn");
  for (const [count, way, words] of [
    [20, "in turn", "one pod"],
    [20, "together", "20 pods at once"],
    [100, "together", "100 pods at once"],
  ] as const) {
    const { starts, addMs } = await podStarts(cluster, client, count, way);
    const of = (pick: (start: (typeof starts)[number]) => number): number[] => starts.map(pick);
    figures.push(
      repeated(
        `${words}: create ▶ Ready, p50`,
        "ms",
        of(({ ready }) => ready),
      ),
      {
        name: `${words}: create ▶ Ready, the last`,
        unit: "ms",
        value: quantile(
          of(({ ready }) => ready),
          1,
        ),
      },
      repeated(
        `${words}: create ▶ sandbox ready, p50`,
        "ms",
        of(({ sandbox }) => sandbox),
      ),
      { name: `${words}: of that CNI ADD, mean`, unit: "ms", value: addMs },
    );
    console.log(
      `  ${words}: the last is ready after ${(
        quantile(
          of(({ ready }) => ready),
          1,
        ) / 1000
      ).toFixed(1)} s`,
    );
  }
  return figures;
}

async function rolloutFigures(cluster: Cluster): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const [graceSeconds, words] of [
    [5, "pods serve 5 s on after they are told to end"],
    [0, "pods end at once"],
  ] as const) {
    const { seconds, client } = await rollingRestart(cluster, replicas, graceSeconds);
    const name = `rolling restart of ${replicas} pods, ${words}`;
    console.log(`  ${name}: ${JSON.stringify(client)}`);
    figures.push(
      { name, unit: "s", value: seconds },
      { name: `… lost of ${client.sent} requests`, unit: "requests", value: client.lost },
      { name: "… slowest answer", unit: "ms", value: client.slowestMs },
    );
  }
  return figures;
}

const cluster = await upCluster({
  name: values.name,
  nodes: Number(values.nodes),
  installation: asProcesses,
  progress: console.log,
});
using client = new KubeClient(await loadKubeconfig(cluster.places.kubeconfig));
const on = machine();
console.log("measuring pod starts, then rolling restarts");
const figures = [...(await startFigures(cluster, client)), ...(await rolloutFigures(cluster))];
console.log(
  `\nmeasured with ${values.nodes} nodes, OVN ${on.ovn}, Open vSwitch ${on.openVSwitch}:\n${figureTable(figures)}`,
);
mkdirSync("bench/out", { recursive: true });
const file = `bench/out/kubernetes-${new Date().toISOString().replaceAll(/[:.]/g, "-")}.json`;
writeFileSync(file, `${JSON.stringify({ machine: on, figures }, undefined, 2)}\n`);
console.log(`JSON: ${file}`);
