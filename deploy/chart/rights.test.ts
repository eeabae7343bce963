import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as v from "valibot";
import { parseAllDocuments } from "yaml";
import { type Role, rightsOf } from "../../src/check/rights.ts";
import { decisionReads } from "../../src/decide/decisions.ts";
import { ownerKinds } from "../../src/kinds/kinds.ts";
import { agentLeaseName } from "../../src/kube/agentLease.ts";
import { kinds } from "../../src/kube/kinds.ts";

const leaseNamespace = "kube-system";
const strings = v.array(v.string());
const grantSchema = v.object({
  kind: v.picklist(["Role", "ClusterRole"]),
  metadata: v.object({ name: v.string(), namespace: v.optional(v.string()) }),
  rules: v.array(
    v.object({
      apiGroups: strings,
      resources: strings,
      verbs: strings,
      resourceNames: v.optional(strings, []),
    }),
  ),
});

/** Each right as one line: `patch nodes/status`, `create leases.coordination.k8s.io in kube-system`. */
function granted(file: string, role: Role): string[] {
  const text = readFileSync(join(import.meta.dirname, "../manifests", file), "utf8");
  return parseAllDocuments(text)
    .map((document): unknown => document.toJS())
    .flatMap((object) => {
      const { success, output } = v.safeParse(grantSchema, object);
      return success && output.metadata.name === `weft-${role}` ? [output] : [];
    })
    .flatMap(({ metadata: { namespace }, rules }) =>
      rules.flatMap(({ apiGroups, resources, verbs, resourceNames }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) =>
            verbs.flatMap((verb) =>
              (resourceNames.length > 0 ? resourceNames : [undefined]).map((name) =>
                line(verb, group, resource, namespace, name),
              ),
            ),
          ),
        ),
      ),
    )
    .toSorted();
}

/** What the program says that it asks for. */
const asked = (role: Role, cluster: string): string[] =>
  rightsOf(role, cluster)
    .flatMap(({ group, resource, subresource, name, verbs, inLeaseNamespace }) =>
      verbs.map((verb) =>
        line(
          verb,
          group,
          subresource === undefined ? resource : `${resource}/${subresource}`,
          inLeaseNamespace && leaseNamespace,
          name,
        ),
      ),
    )
    .toSorted();

const line = (verb: string, group: string, resource: string, namespace?: string, name?: string): string =>
  `${verb} ${resource}${group && `.${group}`}${namespace === undefined ? "" : ` in ${namespace}`}${name === undefined ? "" : ` ${name}`}`;

const rolesIn: readonly (readonly [file: string, cluster: string, roles: readonly Role[]])[] = [
  ["overlay.yaml", "weft", ["controller", "agent", "signer"]],
  // In underlay mode the certificates are the cloud's.
  ["underlay.yaml", "shop", ["controller", "agent"]],
  ["resolver.yaml", "weft", ["resolver"]],
];
for (const [file, cluster, present] of rolesIn)
  for (const role of present)
    test(`${file} gives the ${role} the rights that it asks for, and no other`, () =>
      assert.deepEqual(granted(file, role), asked(role, cluster)));

const policySchema = v.object({
  kind: v.literal("ValidatingAdmissionPolicy"),
  spec: v.object({
    failurePolicy: v.literal("Fail"),
    matchConstraints: v.object({
      resourceRules: v.array(v.object({ apiGroups: strings, operations: strings, resources: strings })),
    }),
    matchConditions: v.array(v.object({ expression: v.string() })),
    variables: v.array(v.object({ name: v.string(), expression: v.string() })),
  }),
});

test("whatever an agent may write, the API server keeps it to its own node's", () => {
  for (const [file, cluster] of [
    ["overlay.yaml", "weft"],
    ["underlay.yaml", "shop"],
  ] as const) {
    const text = readFileSync(join(import.meta.dirname, "../manifests", file), "utf8");
    const [policy] = parseAllDocuments(text).flatMap((document) => {
      const { success, output } = v.safeParse(policySchema, document.toJS());
      return success ? [output.spec] : [];
    });
    const kept = policy?.matchConstraints.resourceRules.flatMap(({ apiGroups, resources, operations }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => operations.map((operation) => line(operation, group, resource))),
      ),
    );
    const operations: Readonly<Record<string, string>> = {
      create: "CREATE",
      patch: "UPDATE",
      update: "UPDATE",
    };
    const written = rightsOf("agent", cluster).flatMap(({ group, resource, subresource, verbs }) =>
      verbs.flatMap((verb) => {
        const operation = operations[verb];
        const name = subresource === undefined ? resource : `${resource}/${subresource}`;
        return operation === undefined ? [] : line(operation, group, name);
      }),
    );
    assert.deepEqual(
      written.filter((one) => !kept?.includes(one)),
      [],
    );
    assert.ok(written.length > 2);
    assert.match(
      policy?.matchConditions[0]?.expression ?? "",
      /"system:serviceaccount:kube-system:weft-agent"$/,
    );
    const own = policy?.variables.find(({ name }) => name === "own")?.expression;
    assert.ok(own?.includes(`"${agentLeaseName(cluster, "")}"`), own);
  }
});

test("the controller asks for the right to watch every kind that it reads, and to ask for each by name", () => {
  const read = new Set([...ownerKinds.flatMap(({ reads }) => Object.keys(reads)), ...decisionReads]);
  for (const [kind, { plural }] of Object.entries(kinds).filter(([name]) => read.has(name))) {
    const right = rightsOf("controller", "").find(
      ({ resource, subresource }) => resource === plural && !subresource,
    );
    for (const verb of ["get", "list", "watch"]) assert.ok(right?.verbs.includes(verb), `${verb} ${kind}`);
  }
});
