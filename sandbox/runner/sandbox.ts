// A pod's network: its namespace and what the CNI plugin attached to it. A record is written to disk before anything is
// made, so the next runner can take down whatever a killed one leaves behind: it calls DEL with ADD's configuration,
// container id and result.

import { randomBytes } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { Pod } from "../client/objects.ts";
import { type Attachment, type Cni, cniResultSchema, podAddresses } from "./cni.ts";
import { networkConfigSchema, readNetworkConfig } from "./cni-config.ts";
import { createNetns, deleteNetns, netnsExists, netnsPath } from "./netns.ts";

const interfaceName = "eth0";

const recordSchema = v.object({
  containerId: v.string(),
  netns: v.string(),
  pod: v.object({ namespace: v.string(), name: v.string(), uid: v.string() }),
  runtime: v.record(v.string(), v.unknown()),
  network: networkConfigSchema,
  /** Absent until ADD has succeeded. */
  result: v.optional(cniResultSchema),
});
type SandboxRecord = v.InferOutput<typeof recordSchema>;

export interface SandboxOptions {
  readonly cni: Cni;
  readonly configDirectory: string;
  /** The prefix of namespace names, by which a take-down of the whole sandbox finds them. */
  readonly netnsPrefix: string;
}

export class PodSandbox {
  readonly #options: SandboxOptions;
  readonly #file: string;
  #record: SandboxRecord;

  private constructor(options: SandboxOptions, file: string, record: SandboxRecord) {
    this.#options = options;
    this.#file = file;
    this.#record = record;
  }

  /**
   * Makes the namespace and calls ADD. If ADD fails, it undoes it with DEL, as a container runtime does, and throws the
   * error; each attempt has its own container id and namespace.
   */
  static async create(pod: Pod, directory: string, options: SandboxOptions): Promise<PodSandbox> {
    const network = await readNetworkConfig(options.configDirectory);
    if (!network) throw new Error(`no CNI configuration in ${options.configDirectory} yet`);
    const containerId = randomBytes(32).toString("hex");
    const { namespace = "", name, uid = "" } = pod.metadata;
    const sandbox = new PodSandbox(options, fileIn(directory), {
      containerId,
      netns: `${options.netnsPrefix}${containerId.slice(0, 12)}`,
      pod: { namespace, name, uid },
      runtime: runtimeOf(pod),
      network,
    });
    await sandbox.#save();
    try {
      await createNetns(sandbox.#record.netns);
      const result = await options.cni.add(network, sandbox.attachment);
      sandbox.#record = { ...sandbox.#record, result };
      if (sandbox.addresses.length === 0) throw new Error(`plugin ${network.name} gave no address`);
      await sandbox.#save();
      return sandbox;
    } catch (error) {
      const message = `failed to setup network for sandbox: ${messageOf(error)}`;
      await sandbox.destroy().catch((left: unknown) => {
        // It stays on disk for the caller's next attempt.
        throw new Error(`${message}; and then its removal failed: ${messageOf(left)}`, { cause: error });
      });
      throw new Error(message, { cause: error });
    }
  }

  /** What an earlier runner recorded in this directory, finished or half made. Undefined when there is nothing. */
  static async load(directory: string, options: SandboxOptions): Promise<PodSandbox | undefined> {
    const text = await readFile(fileIn(directory), "utf8").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    return new PodSandbox(options, fileIn(directory), v.parse(recordSchema, JSON.parse(text)));
  }

  get attachment(): Attachment {
    const { containerId, netns, pod, runtime } = this.#record;
    return { containerId, netnsPath: netnsPath(netns), interfaceName, pod, runtime };
  }

  get netnsPath(): string {
    return netnsPath(this.#record.netns);
  }

  /** The pod's addresses; empty until ADD has succeeded. */
  get addresses(): readonly string[] {
    return this.#record.result ? podAddresses(this.#record.result, interfaceName) : [];
  }

  /** Whether the pod can run in it: ADD has succeeded, and no reboot has removed the namespace. */
  async usable(): Promise<boolean> {
    return this.addresses.length > 0 && (await netnsExists(this.#record.netns));
  }

  /**
   * Calls DEL, then deletes the namespace and the record. Rejects when DEL fails; then everything stays for another
   * attempt.
   */
  async destroy(): Promise<void> {
    const { network, result, netns } = this.#record;
    await this.#options.cni.delete(network, this.attachment, result);
    await deleteNetns(netns);
    await rm(this.#file, { force: true });
  }

  async #save(): Promise<void> {
    await writeFile(`${this.#file}.new`, JSON.stringify(this.#record));
    await rename(`${this.#file}.new`, this.#file);
  }
}

function fileIn(directory: string): string {
  return join(directory, "sandbox.json");
}

/** The runtimeConfig that containerd offers to plugins with the capability. */
function runtimeOf(pod: Pod): Record<string, unknown> {
  const portMappings = pod.spec.containers
    .flatMap(({ ports = [] }) => ports)
    .filter(({ hostPort }) => hostPort !== undefined)
    .map(({ hostPort, containerPort, protocol = "TCP" }) => ({
      hostPort,
      containerPort,
      protocol: protocol.toLowerCase(),
    }));
  const annotations = pod.metadata.annotations ?? {};
  return { portMappings, "io.kubernetes.cri.pod-annotations": annotations };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
