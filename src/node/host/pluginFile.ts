// Keeps the CNI executable where the container runtime looks for it. It is large, and the agent looks at its node often,
// so it is copied only when its bytes differ from those of the installed one; and bytes are read only when a file has
// changed since the last look. The runtime may run it at any moment, so it appears complete.

import { constants } from "node:fs";
import { chmod, copyFile, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Log } from "../../kube/clock.ts";
import { nothingIfAbsent } from "./absent.ts";

/** After this long a half-made copy is one that a killed agent left behind. */
const abandonedMs = 10 * 60_000;
const chunkBytes = 1024 * 1024;

export interface PluginFileOptions {
  readonly executable: string;
  readonly directory: string;
  readonly log: Log;
  /** A monotonic clock. */
  readonly now: () => number;
  /** How long to leave it after a failure: each attempt may write the whole file. */
  readonly retryMs: number;
}

export class PluginFile {
  readonly #options: PluginFileOptions;
  readonly #target: string;
  /** What identified both files when they were last found equal. */
  #equal = "";
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(options: PluginFileOptions) {
    this.#options = options;
    this.#target = join(options.directory, basename(options.executable));
  }

  /** If the executable cannot be replaced, the installed one stays, and the log says why. Rejects if there is none. */
  async install(): Promise<void> {
    const { log, now, retryMs } = this.#options;
    const state = await this.#state();
    if (state.text === this.#equal || (state.isInstalled && now() < this.#notBefore)) return;
    try {
      if (!(await this.#isEqual())) await this.#replace();
      this.#equal = (await this.#state()).text;
    } catch (error) {
      if (!state.isInstalled) throw error;
      this.#notBefore = now() + retryMs;
      log("warn", `the CNI plugin ${this.#target} cannot be replaced, so the installed one stays`, { error });
    }
  }

  async #state(): Promise<{ readonly isInstalled: boolean; readonly text: string }> {
    const source = await stat(this.#options.executable, { bigint: true });
    const installed = await stat(this.#target, { bigint: true }).catch(nothingIfAbsent);
    const text = [source, installed].map(
      (file) => file && [file.dev, file.ino, file.size, file.ctimeNs].join(),
    );
    return { isInstalled: installed !== undefined, text: text.join(" ") };
  }

  async #isEqual(): Promise<boolean> {
    const installed = await stat(this.#target).catch(nothingIfAbsent);
    if (!installed || (installed.mode & 0o111) !== 0o111) return false;
    return hasEqualBytes(this.#options.executable, this.#target);
  }

  async #replace(): Promise<void> {
    const { directory, executable } = this.#options;
    await mkdir(directory, { recursive: true });
    await this.#removeAbandoned();
    const fresh = `${this.#target}.new-${process.pid}`;
    try {
      await copyFile(executable, fresh, constants.COPYFILE_FICLONE);
      await chmod(fresh, 0o755);
      await using file = await open(fresh);
      await file.sync();
      await rename(fresh, this.#target);
    } catch (error) {
      await rm(fresh, { force: true });
      throw error;
    }
  }

  async #removeAbandoned(): Promise<void> {
    const { directory } = this.#options;
    for (const name of await readdir(directory)) {
      if (!name.startsWith(`${basename(this.#target)}.new-`)) continue;
      const path = join(directory, name);
      const found = await stat(path).catch(nothingIfAbsent);
      if (found && Date.now() - found.mtimeMs > abandonedMs) await rm(path, { force: true });
    }
  }
}

async function hasEqualBytes(one: string, other: string): Promise<boolean> {
  await using a = await open(one);
  await using b = await open(other);
  if ((await a.stat()).size !== (await b.stat()).size) return false;
  const buffers = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)] as const;
  for (;;) {
    const [{ bytesRead }, { bytesRead: others }] = await Promise.all([
      a.read(buffers[0], 0, chunkBytes),
      b.read(buffers[1], 0, chunkBytes),
    ]);
    if (bytesRead !== others || buffers[0].compare(buffers[1], 0, others, 0, bytesRead) !== 0) return false;
    if (bytesRead === 0) return true;
  }
}
