// The controller with ten thousand pods, on a real northbound server: a restart that finds nothing changed, and then
// one more pod, a thousand times. On OVN's side only the northbound server takes part.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeClient } from "../../src/kube/client.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { northboundSchema, startOvsdbServer } from "../../test/real/ovsdbServer.ts";
import { type Bench, type Figure, quantile } from "../figure.ts";
import { onePodMore } from "./onePodMore.ts";
import { BenchProcess } from "./process.ts";

const scale = { nodes: 500, pods: 10_000, services: 1_000 };
const samples = 1_000;
const metricsAddress = "127.0.0.1:19461";
const about = `${scale.pods} pods, ${scale.nodes} nodes, ${scale.services} Services`;

export const restartBench: Bench = {
  name: "restart",
  about: `restart of the controller with ${about}; then one pod more, ${samples} times`,
  async run(progress) {
    const folder = mkdtempSync(join(tmpdir(), "weft-bench-"));
    try {
      await using server = await startOvsdbServer(northboundSchema);
      const counts = [scale.nodes, scale.pods, scale.services].map(String);
      await using api = new BenchProcess(["node", "bench/scale/api.ts", folder, ...counts]);
      await api.line();
      const kubeconfig = join(folder, "kubeconfig");
      progress(
        `the first start decided and wrote everything in ${await firstStart(kubeconfig, server.remote)} s`,
      );
      const start = performance.now();
      await using controller = controllerProcess(kubeconfig, server.remote);
      await controller.until(steadyLine);
      const steadySeconds = (performance.now() - start) / 1000;
      const metrics = await scrape();
      progress(`steady again after ${steadySeconds.toFixed(1)} s`);
      void controller.drain();
      using client = new KubeClient(await loadKubeconfig(kubeconfig));
      const { weftMs, bareMs } = await onePodMore(client, server.remote, samples);
      return [
        { name: `restart, ${about}: steady`, unit: "s", value: steadySeconds },
        { name: "restart: operations sent", unit: "operations", value: metrics.operations, aim: 0 },
        { name: "restart: longest stall", unit: "ms", value: metrics.stallMs, aim: 50 },
        { name: "restart: peak RSS", unit: "MB", value: controller.peakMegabytes },
        ...[0.5, 0.99].map(
          (share): Figure => ({
            name: `one pod more: decided to committed p${share * 100}`,
            unit: "ms",
            value: quantile(weftMs, share),
            limit: { name: "bare transaction", value: quantile(bareMs, share) },
          }),
        ),
        {
          name: "one pod more: decided to committed p99",
          unit: "ms",
          value: quantile(weftMs, 0.99),
          aim: 10,
        },
      ];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

/** Seconds until everything is decided and written. */
async function firstStart(kubeconfig: string, northbound: string): Promise<string> {
  const start = performance.now();
  await using controller = controllerProcess(kubeconfig, northbound);
  await controller.until(steadyLine);
  return ((performance.now() - start) / 1000).toFixed(1);
}

const controllerProcess = (kubeconfig: string, northbound: string): BenchProcess => {
  const flags = {
    kubeconfig,
    northbound,
    // Nobody answers there: port bindings are only needed for metrics.
    southbound: "unix:/nonexistent",
    "cluster-cidr": "10.128.0.0/14/24",
    "service-cidr": "10.96.0.0/16",
    "join-cidr": "100.64.0.0/16",
    "metrics-address": metricsAddress,
  };
  return new BenchProcess([
    "bin/weft",
    "controller",
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
  ]);
};

const steadyLine = (line: string): true | undefined => (line.includes('"msg":"steady"') ? true : undefined);

async function scrape(): Promise<{ readonly operations: number; readonly stallMs: number }> {
  const text = await (await fetch(`http://${metricsAddress}/metrics`)).text();
  const value = (name: string): number => {
    const found = new RegExp(`^${name} ([\\d.e+-]+)$`, "m").exec(text)?.[1];
    if (found === undefined) throw new Error(`the controller has no metric ${name}`);
    return Number(found);
  };
  return {
    operations: value("weft_transaction_operations_sum"),
    stallMs: value("weft_nodejs_eventloop_lag_max_seconds") * 1000,
  };
}
