// Raw frames in a sandbox: ears that record whatever reaches a place, and a mouth that says anything from a place. A
// frame is recognised by a mark in it.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../sandbox/process/run.ts";
import { type Cluster, eventually } from "./cluster.ts";

const program = readFileSync(join(import.meta.dirname, "frames.pl"), "utf8");

export interface Spoken {
  readonly what: string;
  /** One frame, or several that belong together. */
  readonly frame: (mark: string) => Buffer | readonly Buffer[];
}

/** A frame from `from` that `to`, a listener, can hear. */
export interface Proof {
  readonly from: string;
  /** The card that it leaves by; by default eth0. */
  readonly card?: string;
  readonly to: string;
  readonly spoken: Spoken;
}

export class Wire implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #ears: ChildProcess[] = [];
  /** `PLACE MARK` of every frame that arrived. */
  readonly #heard = new Set<string>();
  #marks = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** From its resolution on, hears what reaches `place`: a pod as `shop/web`, or a host. */
  async listen(place: string, card = "eth0"): Promise<void> {
    const [file = "", ...args] = this.#command(place, ["hear", card]);
    const ear = spawn(file, args, { env: this.#env(place), stdio: ["ignore", "pipe", "ignore"] });
    this.#ears.push(ear);
    const deaf = once(ear, "exit").then(([status]) =>
      assert.fail(`${place}: no ear, exit ${String(status)}`),
    );
    await Promise.race([once(ear.stdout, "data"), deaf]);
    // It ends with its pod.
    deaf.catch(() => undefined);
    let rest = "";
    ear.stdout.on("data", (chunk: Buffer) => {
      const lines = `${rest}${chunk.toString()}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines)
        for (const [mark] of Buffer.from(line, "hex").toString("latin1").matchAll(/<\d+>/g))
          this.#heard.add(`${place} ${mark}`);
    });
  }

  async say(place: string, frames: readonly Buffer[], card = "eth0"): Promise<void> {
    const input = frames.map((frame) => `${frame.toString("hex")}\n`).join("");
    await run([...this.#command(place, ["send", card])], { input, env: this.#env(place) });
  }

  /** Repeats the frame until the listener has heard it: proof that it could be heard. */
  async expectHeard({ from, card, to, spoken }: Proof): Promise<void> {
    await eventually(`${to} hears from ${from}: ${spoken.what}`, async () => {
      const mark = this.#mark();
      await this.say(from, [spoken.frame(mark)].flat(), card);
      return eventually("it comes", () => this.#heard.has(`${to} ${mark}`), 2_000);
    });
  }

  /**
   * Sends every one of `unheard` from `place`, and then what is known to be heard, so that the others had enough time
   * to arrive. Resolves with those that arrived anyway, and where.
   */
  async overheard(
    place: string,
    unheard: readonly Spoken[],
    proof: Proof,
    card?: string,
  ): Promise<readonly string[]> {
    const marks = new Map(unheard.map(({ what }) => [what, this.#mark()]));
    const frames = unheard.flatMap(({ what, frame }) => frame(marks.get(what) ?? ""));
    for (let round = 0; round < 2; round++) {
      await this.say(place, frames, card);
      await this.expectHeard(proof);
    }
    return [...marks].flatMap(([what, mark]) =>
      [...this.#heard]
        .filter((heard) => heard.endsWith(` ${mark}`))
        .map((heard) => `${what}: ${heard.split(" ")[0]}`),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const ear of this.#ears) {
      const ended = once(ear, "exit");
      if (ear.exitCode === null && ear.kill()) await ended;
    }
  }

  #mark(): string {
    return `<${++this.#marks}>`;
  }

  #command(place: string, words: readonly string[]): readonly string[] {
    const argv = ["perl", "-e", program, ...words];
    const [namespace = "", pod] = place.split("/");
    return pod === undefined
      ? this.#cluster.sandbox.host(place).command(argv)
      : ["kubectl", "exec", "-i", "-n", namespace, pod, "--", ...argv];
  }

  #env(place: string): NodeJS.ProcessEnv {
    const { sandbox } = this.#cluster;
    const env = place.includes("/") ? { KUBECONFIG: sandbox.kubeconfig } : sandbox.host(place).env;
    return { ...process.env, ...env };
  }
}
