// The controller with a large cluster, on a real northbound server: the restart that finds nothing changed, several times.
// At ten thousand pods also one pod more, at fifty thousand a Service's endpoint that changes. Nothing but the northbound server takes part on OVN's side.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeClient } from "../../src/kube/client.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { northboundSchema, startOvsdbServer } from "../../test/real/ovsdbServer.ts";
import { type Bench, type Figure, repeated } from "../figure.ts";
import { endpointChangeFigures } from "./endpointChange.ts";
import type { Scale } from "./objects.ts";
import { onePodMoreFigures } from "./onePodMore.ts";
import { BenchProcess } from "./process.ts";

const restarts = 3;
const metricsAddress = "127.0.0.1:19461";

export const restartBench: Bench = restartOf(
  "restart",
  { nodes: 500, pods: 10_000, services: 1_000 },
  { aims: {}, more: onePodMoreFigures },
);

export const restartLargeBench: Bench = restartOf(
  "restart-large",
  { nodes: 1_000, pods: 50_000, services: 5_000 },
  { aims: { seconds: 10, megabytes: 600 }, more: endpointChangeFigures },
);

interface Parts {
  readonly aims: { readonly seconds?: number; readonly megabytes?: number };
  /** What is measured with the controller that has started last. */
  readonly more: (client: KubeClient, northbound: string) => Promise<readonly Figure[]>;
}

interface Restart {
  readonly seconds: number;
  readonly operations: number;
  readonly stallMs: number;
  readonly busiestMs: number;
  readonly megabytes: number;
}

function restartOf(name: string, scale: Scale, { aims, more }: Parts): Bench {
  const about = `${scale.pods} pods, ${scale.nodes} nodes, ${scale.services} Services`;
  return {
    name,
    about: `restart of the controller with ${about}, ${restarts} times`,
    async run(progress) {
      const folder = mkdtempSync(join(tmpdir(), "weft-bench-"));
      try {
        await using server = await startOvsdbServer(northboundSchema);
        const counts = [scale.nodes, scale.pods, scale.services].map(String);
        await using api = new BenchProcess(["node", "bench/scale/api.ts", folder, ...counts]);
        await api.line();
        const kubeconfig = join(folder, "kubeconfig");
        const first = await restart(kubeconfig, server.remote);
        await first.controller[Symbol.asyncDispose]();
        progress(`the first start decided and wrote everything in ${first.taken.seconds.toFixed(1)} s`);
        const taken: Restart[] = [];
        const extra: Figure[] = [];
        for (let round = 1; round <= restarts; round++) {
          const again = await restart(kubeconfig, server.remote);
          await using controller = again.controller;
          taken.push(again.taken);
          progress(`restart ${round}: ${JSON.stringify(again.taken)}`);
          if (round < restarts) continue;
          void controller.drain();
          using client = new KubeClient(await loadKubeconfig(kubeconfig));
          extra.push(...(await more(client, server.remote)));
        }
        const each = (of: keyof Restart): readonly number[] => taken.map((one) => one[of]);
        return [
          repeated(`${name}, ${about}: steady`, "s", each("seconds"), aims.seconds),
          {
            name: `${name}: operations sent`,
            unit: "operations",
            value: Math.max(...each("operations")),
            aim: 0,
          },
          repeated(`${name}: longest stall`, "ms", each("stallMs"), 50),
          repeated(`${name}: the same, processor time of the thread`, "ms", each("busiestMs"), 50),
          repeated(`${name}: peak RSS until steady`, "MB", each("megabytes"), aims.megabytes),
          ...extra,
        ];
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

/** Starts a controller, which the caller ends, and says what it took until everything is decided and written. */
async function restart(
  kubeconfig: string,
  northbound: string,
): Promise<{ readonly taken: Restart; readonly controller: BenchProcess }> {
  const start = performance.now();
  await using stack = new AsyncDisposableStack();
  const controller = stack.use(controllerProcess(kubeconfig, northbound));
  await controller.until(steadyLine);
  const seconds = (performance.now() - start) / 1000;
  const { peakMegabytes: peak } = controller;
  const taken = { seconds, ...(await scrape()), busiestMs: await controller.busiestMs(), megabytes: peak };
  stack.move();
  return { taken, controller };
}

const controllerProcess = (kubeconfig: string, northbound: string): BenchProcess => {
  const flags = {
    kubeconfig,
    northbound,
    // Nobody answers there: bindings are for metrics only.
    southbound: "unix:/nonexistent",
    "cluster-cidr": "10.128.0.0/14/24",
    "service-cidr": "10.96.0.0/16",
    "join-cidr": "100.64.0.0/16",
    "metrics-address": metricsAddress,
  };
  return new BenchProcess([
    "env",
    "NODE_OPTIONS=--import ./bench/scale/stallReport.ts",
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
    stallMs: value("nodejs_eventloop_lag_max_seconds") * 1000,
  };
}
