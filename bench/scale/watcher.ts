// A process that watches all pods with the watch layer, as the controller does: `node watcher.ts KUBECONFIG`. When the
// store is complete it prints one JSON line: the time, the number of pods, and the longest stall of its event loop.

import { monitorEventLoopDelay } from "node:perf_hooks";
import { KubeClient } from "../../src/kube/client.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { watchKind } from "../../src/kube/watch.ts";

using client = new KubeClient(await loadKubeconfig(process.argv[2]));
const stopping = new AbortController();
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const start = performance.now();
const store = watchKind(client, "Pod", { signal: stopping.signal });
await store.ready();
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ seconds, objects: store.size, stallMs: delay.max / 1e6 }));
process.stdin.resume();
await new Promise((resolve) => process.stdin.once("end", resolve));
stopping.abort();
