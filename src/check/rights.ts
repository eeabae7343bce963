// What the controller, the agents, the signer and the resolvers ask of the API server, and whether the identity that asks may do it
// (SelfSubjectAccessReview, authorization.k8s.io/v1). One question for each verb, because RBAC grants verbs.

import type { KubeClient } from "../kube/client.ts";
import { isNotFound } from "../kube/error.ts";
import { record } from "../kube/json.ts";
import { kinds } from "../kube/kinds.ts";
import type { Resource } from "../kube/resource.ts";
import { controllersLease } from "../model/names.ts";
import { memberNames } from "../signer/renewal.ts";
import { authoritiesSecret, secretOf } from "../signer/secrets.ts";
import { type Finding, fine } from "./finding.ts";

export interface Right {
  /** "" is the core group. */
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  /** Only this one object. */
  readonly name?: string;
  readonly verbs: readonly string[];
  /** Only in the namespace of the Leases. */
  readonly inLeaseNamespace?: true;
}

export const roles = ["controller", "agent", "signer", "resolver"] as const;
export type Role = (typeof roles)[number];

const watched = ["get", "list", "watch"];
const core = "";
const policyGroup = "policy.networking.k8s.io";
const clusterPolicies = ["clusternetworkpolicies", "adminnetworkpolicies", "baselineadminnetworkpolicies"];

/** What the controller writes of the kinds that it watches. */
const alsoWritten: Readonly<Record<string, readonly string[]>> = {
  nodes: ["patch"],
  pods: ["patch"],
  floatingaddresses: ["create", "delete"],
};

/** "" of `/api/v1`, `apps` of `/apis/apps/v1`. */
const groupOf = ({ prefix }: Resource): string =>
  prefix.startsWith("/apis/") ? (prefix.split("/")[2] ?? core) : core;

const rightsIn = (cluster: string): Readonly<Record<Role, readonly Right[]>> => ({
  controller: [
    ...Object.values(kinds).map((kind) => ({
      ...{ group: groupOf(kind), resource: kind.plural },
      verbs: [...watched, ...(alsoWritten[kind.plural] ?? [])],
    })),
    { group: core, resource: "nodes", subresource: "status", verbs: ["patch"] },
    { group: core, resource: "services", subresource: "status", verbs: ["patch"] },
    { group: "weft.io", resource: "floatingaddresses", subresource: "status", verbs: ["patch"] },
    { group: "weft.io", resource: "learnednames", subresource: "status", verbs: ["patch"] },
    { group: "weft.io", resource: "securityprofiles", subresource: "status", verbs: ["patch"] },
    ...clusterPolicies.map((resource) => ({
      ...{ group: policyGroup, resource, subresource: "status" },
      verbs: ["patch"],
    })),
    { group: core, resource: "events", verbs: ["create", "patch"] },
    {
      group: "coordination.k8s.io",
      resource: "leases",
      verbs: [...watched, "create", "update"],
      inLeaseNamespace: true,
    },
  ],
  agent: [
    { group: core, resource: "nodes", verbs: [...watched, "patch"] },
    { group: core, resource: "nodes", subresource: "status", verbs: ["patch"] },
    { group: core, resource: "pods", verbs: watched },
    { group: core, resource: "services", verbs: watched },
    { group: "weft.io", resource: "floatingaddresses", verbs: watched },
    { group: core, resource: "namespaces", name: "kube-system", verbs: ["get"] },
    { group: "discovery.k8s.io", resource: "endpointslices", verbs: watched },
    { group: "networking.k8s.io", resource: "networkpolicies", verbs: watched },
    ...clusterPolicies.map((resource) => ({ group: policyGroup, resource, verbs: watched })),
    { group: "weft.io", resource: "securityprofiles", verbs: watched },
    { group: "coordination.k8s.io", resource: "leases", verbs: ["create", "patch"], inLeaseNamespace: true },
    {
      ...{ group: "coordination.k8s.io", resource: "leases", name: controllersLease(cluster) },
      verbs: ["get"],
      inLeaseNamespace: true,
    },
  ],
  signer: [
    ...[authoritiesSecret, ...memberNames.map(secretOf)].map(
      (name): Right => ({
        ...{ group: core, resource: "secrets", name },
        verbs: ["get", "update"],
        inLeaseNamespace: true,
      }),
    ),
    // What is not there yet has no name that a right could be limited to.
    { group: core, resource: "secrets", verbs: ["create"], inLeaseNamespace: true },
  ],
  resolver: [
    { group: policyGroup, resource: "clusternetworkpolicies", verbs: watched },
    { group: "weft.io", resource: "learnednames", verbs: [...watched, "create", "patch", "delete"] },
    { group: core, resource: "namespaces", name: "kube-system", verbs: ["get"] },
    { group: core, resource: "events", verbs: ["create", "patch"] },
  ],
});

/** `cluster`: Weft's, after which the controllers' Lease is called. */
export const rightsOf = (role: Role, cluster: string): readonly Right[] => rightsIn(cluster)[role];

const reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

export interface RightsQuestion {
  readonly client: KubeClient;
  readonly role: Role;
  readonly cluster: string;
  readonly leaseNamespace: string;
  readonly signal: AbortSignal;
}

/** A refusal for each kind of object for which a right is missing. Rejects when the API server does not answer. */
export async function rightsFindings({
  client,
  role,
  cluster,
  leaseNamespace,
  signal,
}: RightsQuestion): Promise<readonly Finding[]> {
  const answers = await Promise.all(
    rightsOf(role, cluster).map(async (right) => {
      const denied = await Promise.all(
        right.verbs.map(async (verb) =>
          (await mayDo(client, right, verb, leaseNamespace, signal)) ? [] : [verb],
        ),
      );
      return { right, denied: denied.flat() };
    }),
  );
  const missing = answers.filter(({ denied }) => denied.length > 0);
  if (missing.length === 0) return [fine(`this identity has all rights of the ${role}`, reviews)];
  return missing.map(({ right, denied }) => {
    const scope = right.inLeaseNamespace ? ` in ${leaseNamespace}` : "";
    return {
      severity: "refusal",
      what: `this identity may not ${denied.join(", ")} ${nameOf(right)}${scope}`,
      where: `RBAC of the ${role}`,
      why: `without it the ${role} is not ready`,
      mend: `kubectl auth can-i ${denied[0]} ${nameOf(right)}${right.inLeaseNamespace ? ` -n ${leaseNamespace}` : ""}; grant it to the ${role}'s account, as the chart does`,
    };
  });
}

const nameOf = ({ group, resource, subresource }: Right): string =>
  `${resource}${group === core ? "" : `.${group}`}${subresource === undefined ? "" : `/${subresource}`}`;

async function mayDo(
  client: KubeClient,
  { group, resource, subresource = "", name = "", inLeaseNamespace }: Right,
  verb: string,
  leaseNamespace: string,
  signal: AbortSignal,
): Promise<boolean> {
  const resourceAttributes = {
    ...{ group, resource, subresource, name, verb },
    namespace: inLeaseNamespace ? leaseNamespace : "",
  };
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes },
  };
  try {
    return record(record(await client.create(reviews, review, { signal })).status).allowed === true;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new Error("the API server does not serve SelfSubjectAccessReview, so rights cannot be checked", {
      cause: error,
    });
  }
}
