// From the line that the CNI executable sends to a request in which every field has been checked. Names and paths
// from here end up in database rows and on command lines, so only what the specification allows may pass.

import * as v from "valibot";
import type { AttachmentId, PodIdentity } from "../nouns/attachment.ts";
import { CniError, cniCode } from "../nouns/cniError.ts";

/** Formats of results, oldest first; the executable lists the same ones. */
export const cniVersions = ["0.4.0", "1.0.0", "1.1.0"] as const;
export type CniVersion = (typeof cniVersions)[number];

export interface AddRequest extends AttachmentId {
  readonly command: "ADD";
  readonly netns: string;
  readonly pod: PodIdentity;
}

export interface DelRequest extends AttachmentId {
  readonly command: "DEL";
}

export interface CheckRequest extends AttachmentId {
  readonly command: "CHECK";
  readonly netns: string;
  /** The addresses that ADD answered, with prefix length. */
  readonly addresses: readonly string[];
}

export interface GcRequest {
  readonly command: "GC";
  readonly valid: readonly AttachmentId[];
}

export interface StatusRequest {
  readonly command: "STATUS";
}

export type CniRequest = AddRequest | DelRequest | CheckRequest | GcRequest | StatusRequest;

export interface Envelope {
  readonly env: Readonly<Record<string, string>>;
  readonly configuration: Configuration;
}

const envelopeSchema = v.object({
  version: v.literal(1),
  env: v.record(v.string(), v.string()),
  stdin: v.string(),
});

const configurationSchema = v.object({
  cniVersion: v.picklist(cniVersions),
  prevResult: v.optional(v.object({ ips: v.optional(v.array(v.object({ address: v.string() })), []) })),
  "cni.dev/valid-attachments": v.optional(v.array(v.object({ containerID: v.string(), ifname: v.string() }))),
});

type Configuration = v.InferOutput<typeof configurationSchema>;

/**
 * Splits the line into environment and configuration. Throws a CniError: 6 for what is not JSON, 7 for a wrong field.
 */
export function parseEnvelope(line: string): Envelope {
  const envelope = v.safeParse(envelopeSchema, json(line, "the request"));
  if (!envelope.success) {
    const reason = `the plugin and this agent speak different protocols: ${v.flatten(envelope.issues).root?.[0] ?? v.summarize(envelope.issues)}`;
    throw new CniError(cniCode.decodingFailure, reason);
  }
  const { env, stdin } = envelope.output;
  const configuration = v.safeParse(configurationSchema, json(stdin, "the network configuration"));
  if (!configuration.success) {
    const problems = v.summarize(configuration.issues);
    throw new CniError(cniCode.invalidConfiguration, `the network configuration is wrong: ${problems}`);
  }
  return { env, configuration: configuration.output };
}

/** What the caller wants. Throws a CniError: 4 for the environment, 7 for the configuration. */
export function requestOf({ env, configuration }: Envelope): CniRequest {
  const command = env["CNI_COMMAND"] ?? "";
  switch (command) {
    case "ADD":
      return { command, ...attachmentId(env), netns: netns(env), pod: podIdentity(env) };
    case "DEL":
      return { command, ...attachmentId(env) };
    case "CHECK":
      if (!configuration.prevResult) {
        throw new CniError(cniCode.invalidConfiguration, "CHECK needs prevResult, the result of ADD");
      }
      return {
        command,
        ...attachmentId(env),
        netns: netns(env),
        addresses: configuration.prevResult.ips.map((ip) => ip.address),
      };
    case "GC": {
      const valid = configuration["cni.dev/valid-attachments"];
      // Absent does not mean empty: otherwise one malformed call would cut off every pod of the node.
      if (!valid) throw new CniError(cniCode.invalidConfiguration, "GC needs cni.dev/valid-attachments");
      return { command, valid: valid.map(({ containerID, ifname }) => ({ container: containerID, ifname })) };
    }
    case "STATUS":
      return { command };
    default:
      throw new CniError(cniCode.invalidEnvironment, `CNI_COMMAND ${JSON.stringify(command)} is not known`);
  }
}

function attachmentId(env: Envelope["env"]): AttachmentId {
  const container = env["CNI_CONTAINERID"] ?? "";
  const ifname = env["CNI_IFNAME"] ?? "";
  if (!/^[a-zA-Z0-9][-a-zA-Z0-9_.]{0,254}$/.test(container)) throw invalid("CNI_CONTAINERID", container);
  // Stricter than Linux (dev_valid_name in net/core/dev.c), because a batch of `ip` also interprets quotes and `#`.
  if (!/^[\w.@+-]{1,15}$/.test(ifname) || ifname === "." || ifname === "..") {
    throw invalid("CNI_IFNAME", ifname);
  }
  return { container, ifname };
}

function netns(env: Envelope["env"]): string {
  const path = env["CNI_NETNS"] ?? "";
  if (!/^\/[\w./:@+-]+$/.test(path)) throw invalid("CNI_NETNS", path);
  return path;
}

function podIdentity(env: Envelope["env"]): PodIdentity {
  const args = new Map<string, string>();
  for (const pair of (env["CNI_ARGS"] ?? "").split(";")) {
    const equals = pair.indexOf("=");
    if (equals > 0) args.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  const namespace = args.get("K8S_POD_NAMESPACE") ?? "";
  const name = args.get("K8S_POD_NAME") ?? "";
  if (namespace === "" && name === "") {
    const reason =
      "CNI_ARGS names no pod (K8S_POD_NAMESPACE, K8S_POD_NAME): Weft attaches only Kubernetes pods";
    throw new CniError(cniCode.invalidEnvironment, reason);
  }
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace)) throw invalid("K8S_POD_NAMESPACE", namespace);
  if (name.length > 253 || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name))
    throw invalid("K8S_POD_NAME", name);
  const uid = args.get("K8S_POD_UID");
  if (uid !== undefined && !/^[-a-zA-Z0-9]{1,128}$/.test(uid)) throw invalid("K8S_POD_UID", uid);
  return { namespace, name, uid };
}

const invalid = (variable: string, value: string): CniError =>
  new CniError(
    cniCode.invalidEnvironment,
    value === ""
      ? `${variable} is not set`
      : `${variable} ${JSON.stringify(value.slice(0, 300))} is not valid`,
  );

function json(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CniError(cniCode.decodingFailure, `${what} is not JSON: ${String(error)}`, { cause: error });
  }
}
