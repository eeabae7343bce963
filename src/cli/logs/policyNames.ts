// Which policy an ACL belongs to, and which rule of it. An ACL's name has at most 63 characters (ovn-nb(5)), so the names of
// long policies are cut; then the policies that exist say which one it is.

export interface AclOrigin {
  readonly namespace: string;
  readonly name: string;
  readonly direction: "ingress" | "egress";
  /** The place of the rule in the policy; undefined when no rule allows the packet. */
  readonly rule: number | undefined;
}

export interface PolicyName {
  readonly namespace: string;
  readonly name: string;
}

const longest = 63;

/** Undefined when the ACL is none of a NetworkPolicy, or nobody can tell of which. */
export function originOf(acl: string, policies: Iterable<PolicyName>): AclOrigin | undefined {
  const [kind, namespace, name, direction, what] = acl.split(":");
  if (kind !== "NP" || namespace === undefined || name === undefined) return undefined;
  if (acl.length < longest && (direction === "ingress" || direction === "egress"))
    return { namespace, name, direction, rule: ruleIn(what) };
  const meant = [...policies].filter((one) => {
    const prefix = `NP:${one.namespace}:${one.name}:`;
    return acl.startsWith(prefix) || prefix.startsWith(acl);
  });
  const [only] = meant;
  if (!only || meant.length > 1) return undefined;
  const rest = acl.slice(`NP:${only.namespace}:${only.name}:`.length).split(":");
  return {
    namespace: only.namespace,
    name: only.name,
    direction: "egress".startsWith(rest[0] || "?") ? "egress" : "ingress",
    rule: ruleIn(rest[1]),
  };
}

const ruleIn = (what = ""): number | undefined => {
  const number = /^(\d{1,6})(?: |$)/.exec(what)?.[1];
  return number === undefined ? undefined : Number(number);
};
