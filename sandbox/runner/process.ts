// One run of a container: a shim (shim.sh) and the container's process below it, with a directory of its own on disk:
//   pid   the shim's pid      log   what the container wrote      exit   its exit code, once it ended
//   tmp   the container's /tmp
// The directory is the whole truth, so a runner that was killed adopts the process by reading it. That a pid is still
// ours is proved by the directory's name in the shim's command line.

import { spawn } from "node:child_process";
import { chmod, mkdir, open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { killGroup, send } from "./execute.ts";

const shim = join(import.meta.dirname, "shim.sh");
const adoptedPollMs = 300;
const firstBeginPollMs = 5;

export interface Launch {
  readonly directory: string;
  /** Holds the pod's `hosts` and `resolv.conf`. */
  readonly etc: string;
  /** Path of the network namespace; undefined means the node's own. */
  readonly netnsPath: string | undefined;
  readonly hostname: string;
  readonly argv: readonly string[];
  /** Whether it has an input. That is a pipe from this runner, and ends with it. */
  readonly stdin: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
}

export interface Exit {
  readonly code: number;
  readonly finishedAt: Date;
}

export class ContainerProcess {
  readonly directory: string;
  readonly startedAt: Date;
  readonly exited: Promise<Exit>;
  readonly stdin: Writable | undefined;
  readonly #shim: number;

  private constructor(
    directory: string,
    shimPid: number,
    startedAt: Date,
    ended: Promise<void>,
    stdin?: Writable,
  ) {
    this.stdin = stdin;
    this.directory = directory;
    this.startedAt = startedAt;
    this.#shim = shimPid;
    this.exited = ended.then(() => readExit(directory));
  }

  /** Starts the container and returns when its command runs. The process is detached and survives the runner. */
  static async launch(launch: Launch): Promise<ContainerProcess> {
    const tmp = join(launch.directory, "tmp");
    await mkdir(tmp, { recursive: true });
    await chmod(tmp, 0o1777);
    const log = await open(logPath(launch.directory), "a");
    try {
      const enter = launch.netnsPath === undefined ? [] : ["nsenter", `--net=${launch.netnsPath}`];
      const isolate = ["unshare", "--pid", "--uts"];
      const [command = "", ...args] = [
        ...enter,
        ...isolate,
        shim,
        launch.directory,
        launch.etc,
        launch.hostname,
        ...launch.argv,
      ];
      const child = spawn(command, args, {
        cwd: launch.workingDirectory,
        env: launch.env,
        detached: true,
        stdio: [launch.stdin ? "pipe" : "ignore", log.fd, log.fd],
      });
      child.stdin?.on("error", () => child.stdin?.destroy()); // it has closed its input
      const ended = Promise.withResolvers<void>();
      child.once("exit", () => ended.resolve());
      await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", reject);
      });
      child.unref();
      const process = new ContainerProcess(
        launch.directory,
        child.pid ?? 0,
        new Date(),
        ended.promise,
        child.stdin ?? undefined,
      );
      await process.#begun();
      return process;
    } finally {
      await log.close();
    }
  }

  /** The process that an earlier runner started in this directory, running or ended. Undefined if none was started. */
  static async adopt(directory: string): Promise<ContainerProcess | undefined> {
    const pid = Number(await readFile(join(directory, "pid"), "utf8").catch(absent));
    if (!pid) return undefined;
    const startedAt = (await stat(join(directory, "pid"))).mtime;
    return new ContainerProcess(directory, pid, startedAt, endOfAdopted(directory, pid));
  }

  /** The container's own process, pid 1 of its namespace. Undefined when it has not started or has ended. */
  async pid(): Promise<number | undefined> {
    if (!(await isShim(this.#shim, this.directory))) return undefined;
    const children = await readFile(`/proc/${this.#shim}/task/${this.#shim}/children`, "utf8").catch(absent);
    const pid = Number(children.split(" ")[0]);
    // Until it has executed the command, the child is still the shim.
    return pid > 0 && !(await isShim(pid, this.directory)) ? pid : undefined;
  }

  /** Waits until the command runs (only then can probes and exec enter it), or has already ended. */
  async #begun(): Promise<void> {
    const ended = new AbortController();
    void this.exited.then(() => ended.abort());
    for (let pollMs = firstBeginPollMs; !ended.signal.aborted; pollMs *= 2) {
      if ((await this.pid()) !== undefined) return;
      await sleep(pollMs);
    }
  }

  async signal(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const pid = await this.pid();
    if (pid !== undefined) send(pid, signal);
    else if (signal === "SIGKILL" && (await isShim(this.#shim, this.directory))) killGroup(this.#shim);
  }
}

export function logPath(directory: string): string {
  return join(directory, "log");
}

async function endOfAdopted(directory: string, pid: number): Promise<void> {
  while ((await exitCode(directory)) === undefined && (await isShim(pid, directory))) {
    await sleep(adoptedPollMs, undefined, { ref: false });
  }
}

async function readExit(directory: string): Promise<Exit> {
  const code = await exitCode(directory);
  // Without a code the shim itself was killed, and the container with it: report a kill.
  if (code === undefined) return { code: 137, finishedAt: new Date() };
  return { code, finishedAt: (await stat(join(directory, "exit"))).mtime };
}

async function exitCode(directory: string): Promise<number | undefined> {
  const text = await readFile(join(directory, "exit"), "utf8").catch(absent);
  return text.endsWith("\n") ? Number(text) : undefined;
}

async function isShim(pid: number, directory: string): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(absent);
  return commandLine.split("\0").includes(directory);
}

/** Files of a vanished process or directory read as empty. */
function absent(error: unknown): string {
  if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
    return "";
  throw error;
}
