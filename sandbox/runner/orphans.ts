// Cleans up what a killed runner left on disk for pods that the API no longer has: kills their processes, calls CNI DEL
// with the parameters of ADD, and removes namespace and directory.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Attachment } from "./cni.ts";
import { ContainerProcess } from "./process.ts";
import { PodSandbox, type SandboxOptions } from "./sandbox.ts";

/** Removes the remains of one pod. Rejects when DEL fails; then the directory stays for another attempt. */
export async function removeOrphan(directory: string, options: SandboxOptions): Promise<void> {
  const containers = join(directory, "containers");
  for (const container of await namesIn(containers)) {
    for (const run of await namesIn(join(containers, container))) {
      const process = await ContainerProcess.adopt(join(containers, container, run));
      await process?.signal("SIGKILL");
      await process?.exited;
    }
  }
  await (await PodSandbox.load(directory, options))?.destroy();
  await rm(directory, { recursive: true, force: true });
}

/** Every recorded network attachment, of living pods and of orphans. */
export async function recordedAttachments(
  podsDirectory: string,
  options: SandboxOptions,
): Promise<Attachment[]> {
  const sandboxes = await Promise.all(
    (await namesIn(podsDirectory)).map((uid) => PodSandbox.load(join(podsDirectory, uid), options)),
  );
  return sandboxes.flatMap((sandbox) => (sandbox ? [sandbox.attachment] : []));
}

export async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
}
