// Named network namespaces, as `ip netns` keeps them: a bind mount below /run/netns that outlives every process. The
// runner shares the root mount namespace (it is started with `nsenter --net=`, not `ip netns exec`), or nobody else
// would see these mounts. `assertSharedMounts` checks that.

import { access, mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run, tryRun } from "../process/run.ts";

const directory = "/run/netns";

export function netnsPath(name: string): string {
  return join(directory, name);
}

/** Creates the namespace with its loopback up, in one short process: `unshare` makes the mount, then becomes `ip`. */
export async function createNetns(name: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await (await open(netnsPath(name), "wx", 0o444)).close();
  await run(["unshare", `--net=${netnsPath(name)}`, "ip", "link", "set", "lo", "up"]);
}

/** Deletes the namespace's name. The kernel ends the namespace with its last process. It may already be gone. */
export async function deleteNetns(name: string): Promise<void> {
  if (!(await netnsExists(name))) return;
  const { status, stderr } = await tryRun(["ip", "netns", "delete", name]);
  if (status !== 0 && (await netnsExists(name))) throw new Error(`ip netns delete ${name}: ${stderr.trim()}`);
}

export async function netnsExists(name: string): Promise<boolean> {
  return access(netnsPath(name)).then(
    () => true,
    () => false,
  );
}

/** @throws when mounts made here would be invisible to the plugin, the agent and `ip netns`. */
export async function assertSharedMounts(): Promise<void> {
  const mounts = await readFile("/proc/self/mountinfo", "utf8");
  const own = mounts.split("\n").filter((line) => line.split(" ")[4] === directory);
  if (own.some((line) => line.includes(" shared:"))) return;
  throw new Error(
    `${directory} is no shared mount here: start the runner with nsenter --net=${directory}/NODE (not ip netns exec)`,
  );
}
