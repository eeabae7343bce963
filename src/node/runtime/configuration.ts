// The fields of the network configuration that a command uses. A runtime adds them from what it has cached or from Go's
// slices and structs, so an absent list may come as null. Fields that nobody uses may be anything.

import * as v from "valibot";
import type { AttachmentId } from "../nouns/attachment.ts";
import { CniError, cniCode } from "../nouns/cniError.ts";

/** A JSON object with unchecked fields. */
export type Configuration = Readonly<Record<string, unknown>>;

const listOf = <T extends v.GenericSchema>(item: T) => v.nullish(v.array(item), []);

const resultSchema = v.object({
  interfaces: listOf(
    v.object({ name: v.string(), mac: v.nullish(v.string(), ""), sandbox: v.nullish(v.string(), "") }),
  ),
  ips: listOf(v.object({ address: v.string(), interface: v.nullish(v.number()) })),
});
const someResultSchema = v.object({ interfaces: listOf(v.unknown()), ips: listOf(v.unknown()) });
const name = v.pipe(v.string(), v.minLength(1));
const attachmentsSchema = v.array(v.object({ containerID: name, ifname: name }));

/** Throws when another plugin has made an interface before: its result would have to be merged with ours. */
export function requireFirst(configuration: Configuration): void {
  const { prevResult } = configuration;
  if (prevResult === undefined || prevResult === null) return;
  const { interfaces, ips } = parsed(someResultSchema, prevResult, "prevResult");
  if (interfaces.length + ips.length === 0) return;
  throw wrong("prevResult: Weft makes the pod's interface, so it must be the first plugin of its list");
}

/** What the ADD of `ifname` answered, which every CHECK must bring along. Later plugins may have added to it. */
export function addedBefore(
  configuration: Configuration,
  ifname: string,
): { readonly mac: string | undefined; readonly addresses: readonly string[] } {
  const { prevResult } = configuration;
  if (prevResult === undefined || prevResult === null) {
    throw wrong("CHECK needs prevResult, the result of ADD");
  }
  const { interfaces, ips } = parsed(resultSchema, prevResult, "prevResult");
  const isOurs = (at: (typeof interfaces)[number] | undefined): boolean =>
    at?.name === ifname && at.sandbox !== "";
  return {
    mac: interfaces.find(isOurs)?.mac || undefined,
    addresses: ips
      .filter((ip) => ip.interface === undefined || ip.interface === null || isOurs(interfaces[ip.interface]))
      .map(({ address }) => address),
  };
}

/**
 * What GC must keep. Null is Go's empty list, as on a node without pods. Absent does not mean empty: otherwise one
 * malformed call would cut off every pod of the node. The second key is that of older versions of libcni.
 */
export function validAttachments(configuration: Configuration): readonly AttachmentId[] {
  const [key] = ["cni.dev/valid-attachments", "cni.dev/attachments"].filter((each) =>
    Object.hasOwn(configuration, each),
  );
  if (key === undefined) throw wrong("GC needs cni.dev/valid-attachments");
  const list = configuration[key];
  if (list === null) return [];
  return parsed(attachmentsSchema, list, key).map(({ containerID, ifname }) => ({
    container: containerID,
    ifname,
  }));
}

function parsed<S extends v.GenericSchema>(schema: S, value: unknown, field: string): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw wrong(faultsIn(result.issues, field));
}

/** `prevResult.ips.0.address: Invalid type: Expected string but received 7`, and the same of others. */
export const faultsIn = (issues: readonly v.BaseIssue<unknown>[], field: string): string =>
  issues
    .map((issue) => `${[field, v.getDotPath(issue)].filter(Boolean).join(".")}: ${issue.message}`)
    .join("; ");

const wrong = (reason: string): CniError =>
  new CniError(cniCode.invalidConfiguration, `the network configuration: ${reason}`);
