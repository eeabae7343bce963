// What the environment of a call says. Names and paths from here end up in database rows and on command lines, so only
// what the specification allows may pass.

import type { AttachmentId, PodIdentity } from "../nouns/attachment.ts";
import { CniError, cniCode } from "../nouns/cniError.ts";

export type Environment = Readonly<Record<string, string>>;

const checks = {
  CNI_CONTAINERID: (value: string) => /^[a-zA-Z0-9][-a-zA-Z0-9_.]{0,254}$/.test(value),
  // Stricter than Linux (dev_valid_name in net/core/dev.c), because a batch of `ip` also interprets quotes and `#`.
  // `all` and `default` stand for all interfaces in /proc/sys/net, so Linux refuses them.
  CNI_IFNAME: (value: string) =>
    /^[\w.@+-]{1,15}$/.test(value) && ![".", "..", "all", "default"].includes(value),
  CNI_NETNS: (value: string) => /^\/[\w./:@+-]{1,4094}$/.test(value),
} as const;
type Variable = keyof typeof checks;

/** The attachment that the call is about, and its namespace if that is `needed`. Throws a CniError with all that is wrong. */
export function attachmentIn(
  env: Environment,
  needed?: "CNI_NETNS",
): AttachmentId & { readonly netns: string } {
  const variables: readonly Variable[] = ["CNI_CONTAINERID", "CNI_IFNAME", ...(needed ? [needed] : [])];
  const problems = variables
    .filter((name) => !checks[name](env[name] ?? ""))
    .map((name) => problem(name, env[name] ?? ""));
  if (problems.length > 0) throw new CniError(cniCode.invalidEnvironment, problems.join("; "));
  return {
    container: env["CNI_CONTAINERID"] ?? "",
    ifname: env["CNI_IFNAME"] ?? "",
    netns: env["CNI_NETNS"] ?? "",
  };
}

/** The pod that CNI_ARGS names. */
export function podIn(env: Environment): PodIdentity {
  const args = argsIn(env["CNI_ARGS"] ?? "");
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
  const uid = args.get("K8S_POD_UID") || undefined;
  if (uid !== undefined && !/^[-a-zA-Z0-9]{1,128}$/.test(uid)) throw invalid("K8S_POD_UID", uid);
  return { namespace, name, uid };
}

/** `FOO=BAR;ABC=123`. What is not a pair is ignored; a key that comes twice is refused, because either value could be meant. */
function argsIn(text: string): ReadonlyMap<string, string> {
  const args = new Map<string, string>();
  for (const pair of text.split(";")) {
    const equals = pair.indexOf("=");
    if (equals <= 0) continue;
    const key = pair.slice(0, equals);
    if (args.has(key)) throw new CniError(cniCode.invalidEnvironment, `CNI_ARGS has ${quoted(key)} twice`);
    args.set(key, pair.slice(equals + 1));
  }
  return args;
}

const invalid = (key: string, value: string): CniError =>
  new CniError(cniCode.invalidEnvironment, `CNI_ARGS: ${problem(key, value)}`);

const problem = (name: string, value: string): string =>
  value === "" ? `${name} is not set` : `${name} ${quoted(value)} is not valid`;

const quoted = (text: string): string => JSON.stringify(text.slice(0, 300));
