// Datagrams that go from one pod to another every millisecond, and how long they still arrive after something has been
// done against it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { Sandbox } from "../../sandbox/sandbox.ts";

const program = join(import.meta.dirname, "ticks.pl");
const port = "9100";
/** Longer than any pause that the machine makes. */
const quietMs = 400;
const lookMs = 20;
const patienceMs = 60_000;

export class Silence implements AsyncDisposable {
  readonly #children: readonly ChildProcess[];
  /** When the last datagram arrived, in milliseconds since 1970. */
  #lastMs = 0;

  private constructor(children: readonly ChildProcess[], ear: ChildProcess) {
    this.#children = children;
    if (!ear.stdout) throw new Error("kubectl exec has no output");
    createInterface({ input: ear.stdout }).on("line", (line) => {
      this.#lastMs = Number(line) * 1000;
    });
  }

  /** `from` and `to` are pods of the namespace; `address` is that of `to`. */
  static async between(
    { kubeconfig }: Sandbox,
    namespace: string,
    { from, to, address }: { readonly from: string; readonly to: string; readonly address: string },
  ): Promise<Silence> {
    const inPod = (pod: string, ...words: readonly string[]): ChildProcess =>
      spawn("kubectl", ["exec", "-i", "-n", namespace, pod, "--", "perl", program, ...words], {
        env: { ...process.env, KUBECONFIG: kubeconfig },
        stdio: ["pipe", "pipe", "inherit"],
      });
    const ear = inPod(to, "hear", port);
    const silence = new Silence([inPod(from, "send", port, address), ear], ear);
    await silence.heard();
    return silence;
  }

  /** Resolves while datagrams arrive. */
  async heard(): Promise<void> {
    await this.#until(() => Date.now() - this.#lastMs < lookMs * 2, "datagrams arrive");
  }

  /** Milliseconds from the start of `work` to the last datagram that arrived. */
  async after(work: () => Promise<unknown>): Promise<number> {
    const start = Date.now();
    await work();
    await this.#until(() => Date.now() - this.#lastMs > quietMs, "no datagram arrives");
    return Math.max(0, this.#lastMs - start);
  }

  async #until(isTrue: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (!isTrue()) {
      if (Date.now() > deadline) throw new Error(`never: ${what}`);
      await delay(lookMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      const ended = once(child, "exit");
      if (child.exitCode === null && child.kill()) await ended;
    }
  }
}
