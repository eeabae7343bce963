import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Slicer } from "../apply/slicer.ts";
import { aPod } from "../decide/decidedFixture.ts";
import { networkPolicyKind } from "../kinds/networkPolicy.ts";
import { ownerOfAnyPolicy } from "../kinds/policies.ts";
import { silent } from "../kube/clock.ts";
import type { NetworkPolicy } from "../kube/networkPolicy.ts";
import type { Pod } from "../kube/objects.ts";
import { aPolicy } from "../kube/policyFixture.ts";
import { emptyStore, storesOf } from "../kube/stores.ts";
import type { Owner } from "../model/owner.ts";
import { defaultNetwork, placeOf } from "../model/place.ts";
import { Groups } from "../select/groups.ts";
import { groupsOfNetworkPolicy } from "../select/networkPolicyGroups.ts";
import { Selections } from "../select/selections.ts";
import { PolicyStates } from "./policyStates.ts";

const policy = (name: string, change: Partial<NetworkPolicy> = {}): NetworkPolicy =>
  aPolicy(name, { podSelector: [{ key: "app", operator: "In", values: ["db"] }], ...change });
const db = (name: string): Pod => aPod(name, { labels: { app: "db" } });

/** One pod `db-1`, carried by chassis `c-n1`. Every step succeeds at once, unless the test says otherwise. */
async function world({ withRows = [] as readonly string[], there = [] as readonly NetworkPolicy[] } = {}) {
  const ending = new AbortController();
  const timers = new Set<{ readonly at: number; readonly action: () => void }>();
  let now = 0;
  const clock = {
    now: () => now,
    wall: () => Date.parse("2026-11-29T12:00:00Z") + now,
    after: (ms: number, action: () => void) => {
      const timer = { at: now + ms, action };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const pass = async (ms: number): Promise<void> => {
    const until = now + ms;
    for (; now < until; now += 100) {
      for (const timer of timers)
        if (timer.at <= now) {
          timers.delete(timer);
          timer.action();
        }
      for (let turns = 0; turns < 10; turns++) await turn();
    }
  };
  const source = () =>
    new Selections({
      placesOf: (pod) => [
        placeOf(pod, defaultNetwork, `port-${pod.name}`, { addresses: [], mac: "", gateways: [] }),
      ],
      run: (job) => new Slicer(() => 0).run(job),
      onError: (error) => assert.fail(String(error)),
    });
  const [subjects, peers] = [source(), source()];
  const groups = new Groups({ subject: subjects, peer: peers });
  const stores = storesOf(emptyStore);
  const put = (...policies: readonly NetworkPolicy[]): void => {
    for (const one of policies) groups.use(ownerOfAnyPolicy(one), groupsOfNetworkPolicy(one));
    stores.NetworkPolicy.apply(policies.map((object) => ({ type: "put", object })));
  };
  const putPods = async (...pods: readonly Pod[]): Promise<void> => {
    subjects.takePods(pods.map((one) => ({ old: undefined, new: one })));
    await subjects.settled();
  };
  put(...there);
  await putPods(db("db-1"));
  const is = { planned: true, committed: true, filed: true, installed: true, onMachine: true };
  const seen = {
    told: [] as string[],
    marks: 0,
    cameAfterMs: [] as number[],
    queued: [] as Owner[],
    states: [] as string[],
  };
  const states = new PolicyStates(
    {
      kinds: [networkPolicyKind],
      stores,
      groups,
      observed: {
        hasMembers: () => is.filed,
        ports: {
          chassisOf: () => "c-n1",
          chassisOfMachine: (port) => (port === "vm-1" ? "c-vm" : undefined),
        },
      },
      machinesOf: (policy) => (policy.endsWith("/machine") ? ["vm-1"] : []),
      isPlanned: () => is.planned,
      enqueue: (owner) => void seen.queued.push(owner),
      isCommitted: () => is.committed,
      mark: async () => {
        seen.marks++;
        return {
          chassis: 1,
          get reached() {
            return new Set([...(is.installed ? ["c-n1"] : []), ...(is.onMachine ? ["c-vm"] : [])]);
          },
        };
      },
      nodeOf: () => "n1",
      news: {
        cameIntoForce: (ms) => void seen.cameAfterMs.push(ms),
        inForce: ({ name }, message) => void seen.told.push(`${name}: ${message}`),
        notInForce: ({ name }, message) => void seen.told.push(`${name}: ${message}`),
        condition: () => assert.fail("policyConditions.ts writes them"),
      },
      onState: (owner) => void seen.states.push(`${owner} ${JSON.stringify(states.stateOf(owner))}`),
      clock,
      log: silent,
    },
    ending.signal,
  );
  states.begin((owner) => withRows.includes(owner));
  return { states, put, putPods, pass, is, seen, ending, stores };
}

const counts = ({ states }: { readonly states: PolicyStates }): readonly number[] => {
  const { inForce, settling, late } = states.summary;
  return [inForce, settling, late];
};

const steps: Readonly<Record<"planned" | "committed" | "filed" | "installed", string>> = {
  planned: "the controller to plan it",
  committed: "the northbound database to take it",
  filed: "the northbound database to have all pods that it names in its groups",
  installed: "ovn-controller of node n1 to install it",
};
for (const step of ["planned", "committed", "filed", "installed"] as const)
  test(`a policy is in force only when it is ${step}, and people are told what it waits for if that takes long`, async () => {
    const at = await world();
    at.is[step] = false;
    at.put(policy("closed"));
    await at.pass(2_000);
    assert.deepEqual([counts(at), at.seen.told], [[0, 1, 0], []]);
    await at.pass(8_000);
    assert.deepEqual(counts(at), [0, 0, 1]);
    assert.deepEqual(at.states.summary.first, [
      { kind: "NetworkPolicy", policy: "shop/closed", waitsFor: steps[step] },
    ]);
    assert.deepEqual(at.seen.told, [`closed: not in force yet: waits for ${steps[step]}`]);
    at.is[step] = true;
    await at.pass(40_000);
    assert.deepEqual(counts(at), [1, 0, 0]);
    assert.equal(at.seen.told.length, 2);
    assert.match(at.seen.told[1] ?? "", /^closed: in force since 2026-11-29T12:00:1\dZ; it selects 1 pod$/);
  });

test("a policy with machines is in force when their chassis have installed it too", async () => {
  const at = await world();
  at.is.onMachine = false;
  at.put(policy("closed"), policy("machine"));
  await at.pass(8_000);
  assert.deepEqual(counts(at), [1, 0, 1]);
  at.is.onMachine = true;
  await at.pass(5_000);
  assert.deepEqual(counts(at), [2, 0, 0]);
});

test("a policy that has not been planned as it is now is queued", async () => {
  const at = await world();
  at.is.planned = false;
  at.put(policy("closed"));
  await at.pass(1_000);
  assert.ok(at.seen.queued.includes("networkpolicy/shop/closed"));
});

test("why the database refuses a policy is told", async () => {
  const at = await world();
  at.is.committed = false;
  at.put(policy("closed"));
  at.states.refused(["networkpolicy/shop/closed", "pod/shop/db-1"], "constraint violation");
  await at.pass(10_000);
  assert.match(at.seen.told.join(), /the northbound database, which refuses it: constraint violation/);
  at.states.written(["networkpolicy/shop/closed"]);
  await at.pass(1_000);
  assert.equal(at.states.summary.first[0]?.waitsFor, "the northbound database to take it");
});

test("of policies that were in force before this leader nobody is told again, unless something of them is written", async () => {
  const there = [policy("old"), policy("edited"), policy("new")];
  const withRows = ["networkpolicy/shop/old", "networkpolicy/shop/edited"];
  const at = await world({ there, withRows });
  at.states.written(["networkpolicy/shop/edited"]);
  await at.pass(5_000);
  assert.deepEqual(counts(at), [3, 0, 0]);
  assert.deepEqual(
    at.seen.told.map((text) => text.split(":")[0]),
    ["edited", "new"],
  );
});

test("an edited policy is told anew, one that says the same is not, and not one of them twice in half a minute", async () => {
  const at = await world();
  at.put(policy("closed"));
  await at.pass(5_000);
  assert.equal(at.seen.told.length, 1);
  at.put(policy("closed", { resourceVersion: "2", annotations: { note: "seen" } }));
  await at.pass(60_000);
  assert.equal(at.seen.told.length, 1);
  for (const version of ["3", "4", "5"]) {
    at.put(policy("closed", { resourceVersion: version, egress: version === "4" ? [] : undefined }));
    await at.pass(1_000);
  }
  await at.pass(5_000);
  assert.equal(at.seen.told.length, 2);
  await at.pass(60_000);
  assert.equal(at.seen.told.length, 3);
});

test("a thousand policies at once cost one number, and are told ten in a second", async () => {
  const at = await world();
  at.put(...Array.from({ length: 1_000 }, (_, index) => policy(`p${index}`)));
  await at.pass(1_000);
  assert.deepEqual([counts(at), at.seen.marks], [[1_000, 0, 0], 1]);
  assert.ok(at.seen.told.length <= 10, String(at.seen.told.length));
  await at.pass(105_000);
  assert.equal(at.seen.told.length, 1_000);
});

test("a pod that joins is looked for in the database, without a number; when it is missing for long, people are told", async () => {
  const at = await world();
  at.put(policy("closed"));
  await at.pass(5_000);
  await at.putPods(db("db-2"));
  await at.pass(1_000);
  assert.deepEqual([counts(at), at.seen.marks, at.seen.told.length], [[1, 0, 0], 1, 1]);
  at.is.filed = false;
  await at.putPods(db("db-3"));
  await at.pass(4_000);
  assert.deepEqual(counts(at), [1, 0, 0]);
  await at.pass(40_000);
  assert.deepEqual(counts(at), [0, 0, 1]);
  assert.match(at.seen.told[1] ?? "", /not in force with all pods/);
  at.is.filed = true;
  await at.pass(40_000);
  assert.deepEqual(counts(at), [1, 0, 0]);
  assert.match(at.seen.told[2] ?? "", /it selects 3 pods$/);
});

test("a policy that selects nobody is in force, and one that is gone is not counted", async () => {
  const at = await world();
  at.put(policy("idle", { podSelector: [{ key: "app", operator: "In", values: ["none"] }] }));
  await at.pass(5_000);
  assert.match(at.seen.told[0] ?? "", /it selects no pods at present/);
  at.stores.NetworkPolicy.apply([{ type: "remove", namespace: "shop", name: "idle" }]);
  assert.deepEqual(counts(at), [0, 0, 0]);
});

test("whoever asks for the state of a policy hears of each change of it", async () => {
  const at = await world();
  const [owner, since] = ["networkpolicy/shop/closed", "2026-11-29T12:00:07Z"];
  at.is.installed = false;
  at.put(policy("closed"));
  assert.equal(at.states.stateOf(owner), undefined);
  await at.pass(7_000);
  at.is.installed = true;
  await at.pass(400);
  assert.deepEqual(at.states.stateOf(owner), { inForceSince: since, waitsFor: undefined });
  assert.equal(at.seen.states.length, 2);
  assert.match(at.seen.states[0] ?? "", /"waitsFor":"ovn-controller of node n1 to install it"/);
});
