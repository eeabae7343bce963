// Which policy an ACL belongs to, and which rule of it. An ACL's name has at most 63 characters (ovn-nb(5)), so the names of
// long policies are cut; then the policies that exist say which one it is.

import { type PolicyKind, policyKinds } from "../../kube/policies.ts";
import { policyMarks } from "../../model/names.ts";

export interface AclOrigin {
  readonly kind: PolicyKind;
  /** "" for a policy of the whole cluster. */
  readonly namespace: string;
  readonly name: string;
  readonly direction: "ingress" | "egress";
  /** The place of the rule in the policy; undefined when no rule allows the packet. */
  readonly rule: number | undefined;
}

export type PolicyName = Pick<AclOrigin, "kind" | "namespace" | "name">;

const longest = 63;

/** Undefined when the ACL is none of a policy, or nobody can tell of which. */
export function originOf(acl: string, policies: Iterable<PolicyName>): AclOrigin | undefined {
  const [mark, ...words] = acl.split(":");
  const kind = policyKinds.find((one) => policyMarks[one] === mark);
  if (!kind) return undefined;
  const [namespace, name, direction, what] = kind === "NetworkPolicy" ? words : ["", ...words];
  if (namespace === undefined || name === undefined) return undefined;
  if (acl.length < longest && (direction === "ingress" || direction === "egress"))
    return { kind, namespace, name, direction, rule: ruleIn(what) };
  const meant = [...policies].filter((one) => {
    const prefix = prefixOf(one);
    return acl.startsWith(prefix) || prefix.startsWith(acl);
  });
  const [only] = meant;
  if (!only || meant.length > 1) return undefined;
  const rest = acl.slice(prefixOf(only).length).split(":");
  return {
    ...{ kind: only.kind, namespace: only.namespace, name: only.name },
    direction: "egress".startsWith(rest[0] || "?") ? "egress" : "ingress",
    rule: ruleIn(rest[1]),
  };
}

const prefixOf = ({ kind, namespace, name }: PolicyName): string =>
  [policyMarks[kind], ...(namespace === "" ? [] : [namespace]), name, ""].join(":");

const ruleIn = (what = ""): number | undefined => {
  const number = /^(\d{1,6})(?: |$)/.exec(what)?.[1];
  return number === undefined ? undefined : Number(number);
};
