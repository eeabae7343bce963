import assert from "node:assert/strict";
import { test } from "node:test";
import { Interner } from "../kube/intern.ts";
import { profileClaimsOf } from "../kube/profileClaims.ts";
import { namespaceOf } from "../kube/project.ts";
import { securityProfileOf } from "../kube/securityProfile.ts";
import { emptyStore } from "../kube/stores.ts";
import { annotations } from "../model/names.ts";
import { labelsWithProfiles, profileOwner, profileStandingOf } from "./profileStanding.ts";

const intern = new Interner();
const meta = { uid: "u", resourceVersion: "1" };

function world(
  namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>,
  profiles: Readonly<Record<string, object>>,
) {
  const [Namespace, SecurityProfile] = [emptyStore("Namespace"), emptyStore("SecurityProfile")];
  for (const [name, labels] of Object.entries(namespaces)) {
    const object = namespaceOf({ metadata: { ...meta, name, labels } }, intern);
    if (object) Namespace.apply([{ type: "put", object }]);
  }
  for (const [name, spec] of Object.entries(profiles)) {
    const object = securityProfileOf({ metadata: { ...meta, name }, spec }, intern);
    if (object) SecurityProfile.apply([{ type: "put", object }]);
  }
  return { Namespace, SecurityProfile };
}

function pod(namespace: string, asks?: string) {
  const profiles = profileClaimsOf(asks === undefined ? {} : { [annotations.securityProfiles]: asks });
  return { namespace, ...(profiles && { profiles }) };
}

const stage = (name: string) => ({ namespaceSelector: { matchLabels: { stage: name } } });
const stores = world(
  { shop: { stage: "dev" }, bank: { stage: "qa" } },
  {
    dev: stage("dev"),
    qa: stage("qa"),
    watched: { namespaceSelector: {}, assignment: "Always" },
    nobody: {},
  },
);

test("a pod has the profiles that it asks for and its namespace may have, and those of all of its namespace", () => {
  assert.deepEqual(profileStandingOf(pod("shop"), stores), {
    has: ["watched"],
    refused: undefined,
    isUnknown: false,
  });
  assert.deepEqual(profileStandingOf(pod("shop", "dev,watched"), stores).has, ["dev", "watched"]);
  assert.equal(profileStandingOf(pod("shop", "dev"), stores).refused, undefined);
});

test("a pod that asks for what it may not have is refused, and told why", () => {
  for (const [asks, why] of [
    ["qa", "pods of namespace shop may not have the profile qa"],
    ["dev,qa", "pods of namespace shop may not have the profile qa"],
    ["nobody", "pods of namespace shop may not have the profile nobody"],
    ["none", "there is no SecurityProfile none"],
    ["dev,", '"" is no name of a profile'],
    ["qa,none", "pods of namespace shop may not have the profile qa; there is no SecurityProfile none"],
  ] as const) {
    const { refused, has } = profileStandingOf(pod("shop", asks), stores);
    // By the order of the names.
    assert.deepEqual(refused?.split("; ").toSorted(), why.split("; ").toSorted());
    assert.ok(!has.includes("qa"));
  }
});

test("while a profile or a namespace is not known nobody is refused for it, and nobody has it", () => {
  const unknown = { has: [], refused: undefined, isUnknown: true };
  assert.deepEqual(profileStandingOf(pod("elsewhere", "dev"), stores), unknown);
  const { SecurityProfile, Namespace } = world({ shop: { stage: "dev" } }, {});
  const unconfirmed = (owner: string): boolean => owner === profileOwner("dev");
  assert.deepEqual(
    profileStandingOf(pod("shop", "dev"), { SecurityProfile, Namespace }, unconfirmed),
    unknown,
  );
  assert.deepEqual(profileStandingOf(pod("elsewhere"), { SecurityProfile, Namespace }), {
    ...unknown,
    isUnknown: false,
  });
});

test("a label of the pod's own is none of its profiles", () => {
  const labels = { app: "web" };
  assert.equal(labelsWithProfiles(labels, { has: [], refused: undefined, isUnknown: false }), labels);
  assert.deepEqual(
    Object.keys(labelsWithProfiles(labels, { has: ["qa"], refused: "none", isUnknown: false })),
    ["app", "security profile qa", "security profiles refused"],
  );
});
