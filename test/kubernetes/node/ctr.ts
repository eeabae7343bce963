// containerd's own command on a node, for what the kubelet sees as well.

import { join } from "node:path";
import { type RunResult, run, tryRun } from "../../../sandbox/process/run.ts";
import type { NodePlaces } from "../cluster/places.ts";
import { inNode } from "./namespace.ts";
import { runtimeFolder } from "./runtime.ts";

/** An image may take its time. */
const timeoutMs = 5 * 60_000;

const command = (node: NodePlaces, args: readonly string[]): readonly string[] =>
  inNode(node, [join(runtimeFolder, "ctr"), "-n", "k8s.io", ...args]);

/** What `ctr` printed. Rejects when it fails. */
export const ctr = (node: NodePlaces, ...args: readonly string[]): Promise<string> =>
  run(command(node, args), { timeoutMs });

export const tryCtr = (node: NodePlaces, ...args: readonly string[]): Promise<RunResult> =>
  tryRun(command(node, args));
