import assert from "node:assert/strict";
import { test } from "node:test";
import { aPod } from "../decide/decidedFixture.ts";
import { Interner } from "../kube/intern.ts";
import { profileClaimsOf } from "../kube/profileClaims.ts";
import { namespaceOf } from "../kube/project.ts";
import { securityProfileOf } from "../kube/securityProfile.ts";
import { emptyStore } from "../kube/stores.ts";
import { annotations } from "../model/names.ts";
import { profileOwner } from "../select/profileStanding.ts";
import { Standings } from "./standings.ts";

const intern = new Interner();

function world() {
  const stores = {
    Namespace: emptyStore("Namespace"),
    Pod: emptyStore("Pod"),
    SecurityProfile: emptyStore("SecurityProfile"),
  };
  const seen: { claims: number; changed: string[] } = { claims: 0, changed: [] };
  const unconfirmed = new Set<string>();
  const standings = new Standings({
    stores,
    isUnconfirmed: (owner) => unconfirmed.has(owner),
    onClaim: () => void seen.claims++,
    onChange: (pods) => void seen.changed.push(...pods.map(({ name }) => name)),
  });
  const putPod = (name: string, asks?: string) => {
    const profiles = profileClaimsOf(asks === undefined ? {} : { [annotations.securityProfiles]: asks });
    const object = { ...aPod(name), ...(profiles && { profiles }) };
    stores.Pod.apply([{ type: "put", object }]);
    return object;
  };
  let version = 1;
  const meta = (name: string) => ({ name, uid: name, resourceVersion: String(version++) });
  const putNamespace = (name: string, labels: Readonly<Record<string, string>>): void => {
    const object = namespaceOf({ metadata: { ...meta(name), labels } }, intern) ?? assert.fail();
    stores.Namespace.apply([{ type: "put", object }]);
  };
  const putProfile = (name: string, spec: object, status: object = {}): void => {
    const object = securityProfileOf({ metadata: meta(name), spec, status }, intern) ?? assert.fail();
    stores.SecurityProfile.apply([{ type: "put", object }]);
  };
  const changed = (): readonly string[] => seen.changed.splice(0).toSorted();
  return { stores, standings, seen, unconfirmed, putPod, putNamespace, putProfile, changed };
}

const { namespace } = aPod("any");
const stage = (name: string) => ({ namespaceSelector: { matchLabels: { stage: name } } });

test("a pod that asks for profiles is news, before and after the beginning", () => {
  const { standings, seen, putPod } = world();
  putPod("web");
  standings.begin();
  assert.equal(seen.claims, 0);
  putPod("db", "qa");
  assert.equal(seen.claims, 1);
  standings.begin();
  assert.equal(seen.claims, 2);
});

test("a namespace's labels, a profile that comes, changes and goes concern the pods that ask for it", () => {
  const { standings, stores, putPod, putNamespace, putProfile, changed } = world();
  putNamespace(namespace, { stage: "qa" });
  putPod("web");
  const db = putPod("db", "qa");
  standings.begin();
  assert.match(standings.of(db).refused ?? "", /there is no SecurityProfile qa/);
  putProfile("qa", stage("qa"));
  assert.deepEqual(changed(), ["db"]);
  assert.deepEqual(standings.of(db).has, ["qa"]);
  putProfile("qa", stage("qa"), { conditions: [] });
  assert.deepEqual(changed(), [], "only its status has changed");
  putNamespace(namespace, { stage: "dev" });
  assert.deepEqual(changed(), ["db"]);
  assert.match(standings.of(db).refused ?? "", /may not have the profile qa/);
  putProfile("qa", stage("dev"));
  assert.deepEqual(changed(), ["db"]);
  assert.equal(standings.of(db).refused, undefined);
  stores.SecurityProfile.apply([{ type: "remove", namespace: "", name: "qa" }]);
  assert.deepEqual(changed(), ["db"]);
  assert.notEqual(standings.of(db).refused, undefined);
});

test("a profile that pods always have concerns all pods, and so do labels of their namespaces then", () => {
  const { standings, putPod, putNamespace, putProfile, changed } = world();
  putNamespace(namespace, { stage: "dev" });
  const web = putPod("web");
  putPod("db", "dev");
  standings.begin();
  putProfile("dev", { ...stage("dev"), assignment: "Always" });
  assert.deepEqual(changed(), ["db", "web"]);
  assert.deepEqual(standings.of(web).has, ["dev"]);
  putNamespace(namespace, { stage: "qa" });
  assert.deepEqual(changed(), ["db", "web"]);
  assert.deepEqual(standings.of(web).has, []);
  putProfile("dev", stage("dev"));
  assert.deepEqual(changed(), ["db", "web"]);
});

test("while a list may have left a profile out nobody is refused for it, and everybody is when it is known to be gone", () => {
  const { standings, unconfirmed, putPod, putNamespace, changed } = world();
  putNamespace(namespace, { stage: "qa" });
  const db = putPod("db", "qa");
  unconfirmed.add(profileOwner("qa"));
  standings.begin();
  assert.deepEqual(standings.of(db), { has: [], refused: undefined, isUnknown: true });
  standings.confirmed("networkpolicy/shop/qa");
  assert.deepEqual(changed(), []);
  unconfirmed.clear();
  standings.confirmed(profileOwner("qa"));
  assert.deepEqual(changed(), ["db"]);
  assert.match(standings.of(db).refused ?? "", /there is no SecurityProfile qa/);
});
