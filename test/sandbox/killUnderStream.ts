// A stream between the pods of two nodes, and processes that are killed with -9 and started again meanwhile: what the files
// have in common that differ in whom they kill. The stream does not lose a packet, and new pods can start afterwards.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Cluster } from "./cluster.ts";
import { namespace, pod } from "./manifests.ts";
import { Stream } from "./stream.ts";

export interface Victim {
  readonly what: string;
  readonly processes: readonly string[];
  /** Whether packets pass while it is away, and not only after it is back. */
  readonly spare: boolean;
}

/** Defines a suite in a sandbox of this name. */
export function killUnderStream(name: string, victims: readonly Victim[]): void {
  suite("a running stream between nodes", { timeout: 240_000 }, () => {
    let cluster: Cluster;
    let stream: Stream;

    before(async () => {
      cluster = await Cluster.up({ name, nodes: 2 });
      await cluster.apply(namespace("fault"));
      stream = await Stream.start(cluster, { namespace: "fault", name: "stream", from: "n1", to: "n2" });
    });
    after(() => cluster?.[Symbol.asyncDispose]());

    for (const { what, processes: names, spare } of victims) {
      test(`has no gap when the ${what} are killed and started again, and new pods work`, async () => {
        const { processes } = cluster.sandbox;
        for (const name of names) await processes.kill(name, "SIGKILL");
        if (spare) await stream.goesOn();
        await Promise.all(names.map((name) => processes.start(name)));
        const near = pod({ namespace: "fault", name: `${what}-near`, node: "n1" });
        const far = pod({ namespace: "fault", name: `${what}-far`, node: "n2" });
        await cluster.apply(near, far);
        await cluster.podsReady("fault", near.metadata.name, far.metadata.name);
        const addresses = await cluster.addressesOf("fault", far.metadata.name);
        const questions = addresses.map((address) => ({ way: "tcp", address, port: 8080 }) as const);
        assert.deepEqual(await cluster.failures(`fault/${near.metadata.name}`, questions), []);
        await stream.expectNoGap();
      });
    }
  });
}
