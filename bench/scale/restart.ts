// Starts a controller on a large cluster and measures it from outside.

import { BenchProcess } from "./process.ts";

const metricsAddress = "127.0.0.1:19461";

export interface Databases {
  readonly northbound: string;
  readonly southbound: string;
}

/** What it took until nothing was left to do. */
export interface Restart {
  readonly seconds: number;
  readonly operations: number;
  readonly stallMs: number;
  readonly busiestMs: number;
  readonly megabytes: number;
}

/** Starts a controller, which the caller ends, and says what it took until everything is decided and written. */
export async function restart(
  kubeconfig: string,
  databases: Databases,
): Promise<{ readonly taken: Restart; readonly controller: BenchProcess }> {
  const start = performance.now();
  await using stack = new AsyncDisposableStack();
  const controller = stack.use(controllerProcess(kubeconfig, databases));
  await controller.until(steadyLine);
  const seconds = (performance.now() - start) / 1000;
  const { peakMegabytes: peak } = controller;
  const taken = { seconds, ...(await scrape()), busiestMs: await controller.busiestMs(), megabytes: peak };
  stack.move();
  return { taken, controller };
}

const controllerProcess = (kubeconfig: string, { northbound, southbound }: Databases): BenchProcess => {
  const flags = {
    kubeconfig,
    northbound,
    southbound,
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
