// Where UDP ports of this node and floating addresses have led so far, in a file. Connection trackers outlive the agent: what
// moves while no agent runs would go on as each connection began. So the next agent compares, and has them forget. Something is
// written only after its former connections are forgotten; an agent that ends in between leaves that to the next one.

import { readFile, rename, writeFile } from "node:fs/promises";
import * as v from "valibot";
import type { Log } from "../../kube/clock.ts";
import { nothingIfAbsent } from "../host/absent.ts";

const schema = v.object({
  /** Address -> the UID of the pod that has it */
  floating: v.optional(v.record(v.string(), v.string())),
  /** What `udpLines` says of the doors. */
  udp: v.optional(v.array(v.string())),
});
type Content = v.InferOutput<typeof schema>;

/** Where the agent with this socket keeps it. A reboot takes it along, as it does the connections. */
export const ledBeforeFile = (cniSocket: string): string => `${cniSocket}.led`;

export class LedBefore {
  readonly #file: string;
  readonly #log: Log;
  #content: Content;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string, content: Content, log: Log) {
    this.#file = file;
    this.#content = content;
    this.#log = log;
  }

  /** A file that is missing or makes no sense says nothing. */
  static async read(file: string, log: Log): Promise<LedBefore> {
    try {
      const text = await readFile(file, "utf8").catch(nothingIfAbsent);
      return new LedBefore(file, text === undefined ? {} : v.parse(schema, JSON.parse(text)), log);
    } catch (error) {
      log("warn", `${file} cannot be read: old connections of what has moved meanwhile may go on`, { error });
      return new LedBefore(file, {}, log);
    }
  }

  /** Undefined when it is not known. */
  get floating(): ReadonlyMap<string, string> | undefined {
    const { floating } = this.#content;
    return floating && new Map(Object.entries(floating));
  }

  /** Undefined when it is not known. */
  get udp(): ReadonlySet<string> | undefined {
    const { udp } = this.#content;
    return udp && new Set(udp);
  }

  async keepFloating(now: ReadonlyMap<string, string>): Promise<void> {
    await this.#keep({ ...this.#content, floating: Object.fromEntries(now) });
  }

  async keepUdp(now: ReadonlySet<string>): Promise<void> {
    await this.#keep({ ...this.#content, udp: [...now] });
  }

  /** Does not reject: if it fails, the next agent compares with an older state. */
  #keep(content: Content): Promise<void> {
    const before = JSON.stringify(this.#content);
    this.#content = content;
    const text = JSON.stringify(content);
    if (text === before) return this.#writing;
    this.#writing = this.#write(text, this.#writing);
    return this.#writing;
  }

  async #write(text: string, after: Promise<void>): Promise<void> {
    await after;
    try {
      await writeFile(`${this.#file}.new`, text);
      await rename(`${this.#file}.new`, this.#file);
    } catch (error) {
      const what = "cannot write where ports and addresses lead";
      this.#log("warn", `${this.#file}: ${what}: the next agent compares with an older state`, {
        error,
      });
    }
  }
}
