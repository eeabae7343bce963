// A handle on a running cluster, for the commands and tests that use it.

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type RunResult, run, tryRun } from "../../../sandbox/process/run.ts";
import { openSandbox, type Sandbox, type SandboxHost } from "../../../sandbox/sandbox.ts";
import { programFolder } from "../build/versions.ts";
import { type Places, placesOf } from "./places.ts";

export const kubectlProgram = join(programFolder, "kubectl");
const kubectlMs = 120_000;

export class Cluster {
  readonly sandbox: Sandbox;
  readonly places: Places;

  constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
    this.places = placesOf(sandbox.layout);
  }

  /** The cluster that is up under this name. */
  static open(name: string): Cluster {
    return new Cluster(openSandbox(name));
  }

  /** A machine that is not a node and reaches nodes and Services; in underlay mode another virtual machine of the tenant. */
  get neighbour(): SandboxHost {
    const { layout, outside } = this.sandbox;
    return layout.tenant ? this.sandbox.host(layout.tenant.vm.name) : outside;
  }

  /** The output of kubectl. Rejects when it fails. */
  kubectl(args: readonly string[], input = ""): Promise<string> {
    return run(this.#command(args), { input, timeoutMs: kubectlMs });
  }

  tryKubectl(args: readonly string[]): Promise<RunResult> {
    return tryRun(this.#command(args), { timeoutMs: kubectlMs });
  }

  /** Creates or changes objects; YAML or JSON. */
  async apply(text: string): Promise<void> {
    await this.kubectl(["apply", "-f", "-"], text);
  }

  #command(args: readonly string[]): readonly string[] {
    return [kubectlProgram, "--kubeconfig", this.places.kubeconfig, ...args];
  }
}

/** Asks until `look` is true. Throws with `what` when it has not become true in time. */
export async function until(
  what: string,
  look: () => Promise<boolean>,
  {
    limitMs = 120_000,
    signal,
  }: { readonly limitMs?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`${what}: not after ${limitMs / 1000} s`);
    await delay(200, undefined, { signal });
  }
}
