// From the line that the CNI executable sends to a request in which every field has been checked. Each command reads
// only what it uses: a DEL must not fail for a damaged result that it has no use for.

import * as v from "valibot";
import type { AttachmentId, PodIdentity } from "../nouns/attachment.ts";
import { CniError, cniCode } from "../nouns/cniError.ts";
import {
  addedBefore,
  type Configuration,
  faultsIn,
  requireFirst,
  validAttachments,
} from "./configuration.ts";
import { attachmentIn, type Environment, podIn } from "./environment.ts";

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
  /** What ADD answered: the interface's MAC, if it did, and its addresses, with prefix length. */
  readonly mac: string | undefined;
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
  readonly env: Environment;
  readonly version: CniVersion;
  readonly configuration: Configuration;
}

const envelopeSchema = v.object({
  version: v.literal(1),
  env: v.record(v.string(), v.string()),
  stdin: v.string(),
});
const configurationSchema = v.custom<Configuration>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);
const versionSchema = v.picklist(cniVersions);

/** Splits the line. Throws a CniError: 6 for what cannot be decoded, 1 for another version. */
export function parseEnvelope(line: string): Envelope {
  const envelope = v.safeParse(envelopeSchema, json(line, "the request"));
  if (!envelope.success) {
    const reason = `the plugin and this agent speak different protocols: ${faultsIn(envelope.issues, "the request")}`;
    throw new CniError(cniCode.decodingFailure, reason);
  }
  const { env, stdin } = envelope.output;
  const configuration = v.safeParse(configurationSchema, json(stdin, "the network configuration"));
  if (!configuration.success) {
    throw new CniError(cniCode.decodingFailure, "the network configuration is not a JSON object");
  }
  const version = v.safeParse(versionSchema, configuration.output["cniVersion"]);
  if (!version.success) {
    const reason = `cniVersion ${JSON.stringify(configuration.output["cniVersion"])} is not one of ${cniVersions.join(", ")}`;
    throw new CniError(cniCode.incompatibleVersion, reason);
  }
  return { env, version: version.output, configuration: configuration.output };
}

/** What the caller wants. Throws a CniError: 4 for the environment, 7 for the configuration. */
export function requestOf({ env, configuration }: Envelope): CniRequest {
  const command = env["CNI_COMMAND"] ?? "";
  switch (command) {
    case "ADD": {
      const { netns, ...id } = attachmentIn(env, "CNI_NETNS");
      requireFirst(configuration);
      return { command, ...id, netns, pod: podIn(env) };
    }
    case "DEL": {
      const { container, ifname } = attachmentIn(env);
      return { command, container, ifname };
    }
    case "CHECK": {
      const attachment = attachmentIn(env, "CNI_NETNS");
      return { command, ...attachment, ...addedBefore(configuration, attachment.ifname) };
    }
    case "GC":
      return { command, valid: validAttachments(configuration) };
    case "STATUS":
      return { command };
    default:
      throw new CniError(
        cniCode.invalidEnvironment,
        `CNI_COMMAND ${JSON.stringify(command.slice(0, 100))} is not known`,
      );
  }
}

function json(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CniError(cniCode.decodingFailure, `${what} is not JSON: ${String(error)}`, { cause: error });
  }
}
