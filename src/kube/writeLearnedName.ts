// Writes about LearnedNames: what the resolver has heard, and what the controller has put in force.

import type { KubeClient, RequestOptions } from "./client.ts";
import { isAlreadyExists, isNotFound } from "./error.ts";
import { integer, record } from "./json.ts";
import { kinds } from "./kinds.ts";
import { type LearnedAddress, type LearnedName, learnedObjectName } from "./learnedName.ts";
import { apiVersionOf, pathOf } from "./resource.ts";

const pathTo = (name: string, subresource = ""): string => pathOf(kinds.LearnedName, "", name, subresource);

/** An object without addresses. Does nothing if there is one. */
export async function makeLearnedName(
  client: Pick<KubeClient, "create">,
  pattern: string,
  options: RequestOptions = {},
): Promise<void> {
  const object = {
    apiVersion: apiVersionOf(kinds.LearnedName),
    kind: "LearnedName",
    metadata: { name: learnedObjectName(pattern) },
    spec: { pattern, addresses: {} },
  };
  try {
    await client.create(pathOf(kinds.LearnedName), object, options);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/**
 * Sets these addresses, and removes those that are undefined; all others stay, so that several resolvers may write one
 * object. Returns the generation that has them.
 */
export async function setLearned(
  client: Pick<KubeClient, "patch">,
  pattern: string,
  addresses: ReadonlyMap<string, LearnedAddress | undefined>,
  options: RequestOptions = {},
): Promise<number> {
  const entries = [...addresses].map(([ip, learned]) => [
    ip,
    // A merge patch removes what is null.
    learned ? { name: learned.name, until: new Date(learned.untilMs).toISOString() } : null,
  ]);
  const patch = { spec: { addresses: Object.fromEntries(entries) } };
  const written = record(await client.patch(pathTo(learnedObjectName(pattern)), patch, options));
  return integer(record(written.metadata).generation, 0, Number.MAX_SAFE_INTEGER) ?? 0;
}

/** Does nothing if it is gone. */
export async function removeLearnedName(
  client: Pick<KubeClient, "delete">,
  { name, uid }: Pick<LearnedName, "name" | "uid">,
  options: RequestOptions = {},
): Promise<void> {
  try {
    await client.delete(pathTo(name), { ...options, uid });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Says that this generation is in force. */
export async function setLearnedInForce(
  client: Pick<KubeClient, "patch">,
  { name, uid }: Pick<LearnedName, "name" | "uid">,
  generation: number,
  options: RequestOptions = {},
): Promise<void> {
  const patch = { metadata: { uid }, status: { observedGeneration: generation } };
  await client.patch(pathTo(name, "status"), patch, options);
}
