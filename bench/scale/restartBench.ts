// The controller with a large cluster, on a real northbound server: the restart that finds nothing changed, several times.
// At ten thousand pods also one pod more, at fifty thousand a Service's endpoint that changes. Nothing but the northbound server takes part on OVN's side.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeClient } from "../../src/kube/client.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { northboundSchema, southboundSchema, startOvsdbServer } from "../../test/real/ovsdbServer.ts";
import { type Bench, type Figure, repeated } from "../figure.ts";
import { endpointChangeFigures } from "./endpointChange.ts";
import type { Scale } from "./objects.ts";
import { onePodMoreFigures } from "./onePodMore.ts";
import { BenchProcess } from "./process.ts";
import { type Restart, restart } from "./restart.ts";

const restarts = 3;

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

export function restartOf(name: string, scale: Scale, { aims, more }: Parts): Bench {
  const policies = scale.policies === undefined ? "" : `, ${scale.policies} policies`;
  const about = `${scale.pods} pods, ${scale.nodes} nodes, ${scale.services} Services${policies}`;
  return {
    name,
    about: `restart of the controller with ${about}, ${restarts} times`,
    async run(progress) {
      const folder = mkdtempSync(join(tmpdir(), "weft-bench-"));
      try {
        await using server = await startOvsdbServer(northboundSchema);
        // Without chassis; but where it is away, no policy is in force.
        await using south = await startOvsdbServer(southboundSchema);
        const databases = { northbound: server.remote, southbound: south.remote };
        await using api = new BenchProcess(["node", "bench/scale/api.ts", folder, JSON.stringify(scale)]);
        await api.line();
        const kubeconfig = join(folder, "kubeconfig");
        const first = await restart(kubeconfig, databases);
        await first.controller[Symbol.asyncDispose]();
        progress(`the first start decided and wrote everything in ${first.taken.seconds.toFixed(1)} s`);
        const taken: Restart[] = [];
        const extra: Figure[] = [];
        for (let round = 1; round <= restarts; round++) {
          const again = await restart(kubeconfig, databases);
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
