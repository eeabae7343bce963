// Runs CNI plugins exactly as containerd 2 does (CNI specification 1.1.0, libcni): parameters in the environment; the
// plugin's configuration on stdin, with name, cniVersion, prevResult and runtimeConfig added; ADD in the list's order
// and DEL in reverse. A plugin gets two minutes, which is what a kubelet gives its runtime.

import { join } from "node:path";
import * as v from "valibot";
import type { NetworkConfig, PluginConfig } from "./cni-config.ts";
import { execute } from "./execute.ts";

const timeLimitMs = 120_000;

const resultSchema = v.looseObject({
  interfaces: v.optional(v.array(v.looseObject({ name: v.string(), sandbox: v.optional(v.string()) })), []),
  ips: v.optional(v.array(v.looseObject({ address: v.string(), interface: v.optional(v.number()) })), []),
});
export type CniResult = v.InferOutput<typeof resultSchema>;
export const cniResultSchema = resultSchema;

const errorSchema = v.looseObject({ code: v.number(), msg: v.string(), details: v.optional(v.string()) });

/** What a plugin is called for: the interface of one container. */
export interface Attachment {
  readonly containerId: string;
  readonly netnsPath: string;
  readonly interfaceName: string;
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  /** By capability: what a plugin gets as runtimeConfig if its configuration declares the capability. */
  readonly runtime?: Readonly<Record<string, unknown>>;
}

export class CniError extends Error {
  override readonly name = "CniError";
  /** The specification's error code; undefined when the plugin gave no readable error. */
  readonly code: number | undefined;

  constructor(message: string, code: number | undefined) {
    super(message);
    this.code = code;
  }
}

export class Cni {
  readonly #binaries: string;

  constructor(binaryDirectory: string) {
    this.#binaries = binaryDirectory;
  }

  async add(network: NetworkConfig, attachment: Attachment): Promise<CniResult> {
    let previous: unknown;
    for (const plugin of network.plugins) {
      previous = await this.#run("ADD", network, plugin, attachment, previous);
    }
    return v.parse(resultSchema, previous);
  }

  /** @param previous the result of ADD, which plugins of 0.4.0 and later get back. */
  async delete(
    network: NetworkConfig,
    attachment: Attachment,
    previous: CniResult | undefined,
  ): Promise<void> {
    for (const plugin of network.plugins.toReversed()) {
      await this.#run("DEL", network, plugin, attachment, previous);
    }
  }

  /** Tells the plugins which attachments are valid, so that they remove all others. CNI 1.1.0 and later. */
  async collect(network: NetworkConfig, valid: readonly Attachment[]): Promise<void> {
    const list = valid.map(({ containerId, interfaceName }) => ({
      containerID: containerId,
      ifname: interfaceName,
    }));
    // An empty list of Go is printed as null.
    const attachments = list.length > 0 ? list : null;
    for (const plugin of network.plugins) {
      const config = {
        ...plugin,
        "cni.dev/valid-attachments": attachments,
        "cni.dev/attachments": attachments,
      };
      await this.#run("GC", network, config, undefined, undefined);
    }
  }

  /** Asks every plugin whether it can serve. Rejects when one cannot. CNI 1.1.0 and later. */
  async status(network: NetworkConfig): Promise<void> {
    for (const plugin of network.plugins) await this.#run("STATUS", network, plugin, undefined, undefined);
  }

  async #run(
    command: "ADD" | "DEL" | "GC" | "STATUS",
    network: NetworkConfig,
    plugin: PluginConfig,
    attachment: Attachment | undefined,
    previous: unknown,
  ): Promise<unknown> {
    const { capabilities, ...config } = plugin;
    const runtime = Object.entries(attachment?.runtime ?? {}).filter(([key]) => capabilities?.[key] === true);
    const input = {
      ...config,
      name: network.name,
      cniVersion: network.cniVersion,
      ...(runtime.length > 0 ? { runtimeConfig: Object.fromEntries(runtime) } : {}),
      ...(previous === undefined ? {} : { prevResult: previous }),
    };
    const where = `plugin type="${plugin.type}" name="${network.name}" failed (${command.toLowerCase()})`;
    const run = await execute([join(this.#binaries, plugin.type)], {
      env: { ...inherited(), CNI_COMMAND: command, CNI_PATH: this.#binaries, ...parameters(attachment) },
      input: JSON.stringify(input),
      timeoutMs: timeLimitMs,
    }).catch((error: unknown) => {
      throw new CniError(`${where}: ${error instanceof Error ? error.message : String(error)}`, undefined);
    });
    if (run.timedOut) throw new CniError(`${where}: no answer in ${timeLimitMs / 1000} s`, undefined);
    const output = parseJson(run.stdout);
    if (run.code === 0) {
      if (command === "ADD" && output === undefined) throw new CniError(`${where}: no result`, undefined);
      return output;
    }
    const told = v.safeParse(errorSchema, output);
    if (!told.success) {
      throw new CniError(`${where}: exit ${run.code} with no error message: ${run.stderr.trim()}`, undefined);
    }
    const { code, msg, details } = told.output;
    throw new CniError(`${where}: ${msg}${details ? `; ${details}` : ""}`, code);
  }
}

/** The addresses of the pod's own interface, without prefix length, in the plugin's order. */
export function podAddresses(result: CniResult, interfaceName: string): string[] {
  const isPods = (index: number | undefined): boolean => {
    const found = index === undefined ? undefined : result.interfaces[index];
    return found === undefined || (found.name === interfaceName && (found.sandbox ?? "") !== "");
  };
  return result.ips.filter((ip) => isPods(ip.interface)).map((ip) => ip.address.split("/")[0] ?? "");
}

function parameters(attachment: Attachment | undefined): NodeJS.ProcessEnv {
  if (!attachment) return { CNI_CONTAINERID: "", CNI_NETNS: "", CNI_IFNAME: "", CNI_ARGS: "" };
  const { pod, containerId, netnsPath, interfaceName } = attachment;
  return {
    CNI_CONTAINERID: containerId,
    CNI_NETNS: netnsPath,
    CNI_IFNAME: interfaceName,
    CNI_ARGS: [
      "IgnoreUnknown=1",
      `K8S_POD_NAMESPACE=${pod.namespace}`,
      `K8S_POD_NAME=${pod.name}`,
      `K8S_POD_INFRA_CONTAINER_ID=${containerId}`,
      `K8S_POD_UID=${pod.uid}`,
    ].join(";"),
  };
}

/** libcni passes on its own environment, except for the variables that it sets itself. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith("CNI_")));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
