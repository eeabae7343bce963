// Has pods of one node wired bare, by a process in the node's namespace.

import { inNetns } from "../../sandbox/fabric/netns.ts";
import { BenchProcess } from "../scale/process.ts";
import type { Wiring } from "./bare.ts";

export class BareWirer implements AsyncDisposable {
  readonly #process: BenchProcess;
  /** host interface -> its pod is being wired */
  readonly #underWay = new Map<string, PromiseWithResolvers<void>>();

  constructor(netns: string) {
    this.#process = new BenchProcess(inNetns(netns, [process.execPath, "bench/wiring/bare.ts"]));
    void this.#listen();
  }

  /** Resolves when packets can pass. */
  wire(wiring: Wiring): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#underWay.set(wiring.hostInterface, done);
    this.#process.say(JSON.stringify(wiring));
    return done.promise;
  }

  async #listen(): Promise<void> {
    try {
      for (;;) {
        const answer: { hostInterface: string; error?: string } = JSON.parse(await this.#process.line());
        const done = this.#underWay.get(answer.hostInterface);
        this.#underWay.delete(answer.hostInterface);
        if (answer.error === undefined) done?.resolve();
        else done?.reject(new Error(answer.error));
      }
    } catch (error) {
      for (const done of this.#underWay.values()) done.reject(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
