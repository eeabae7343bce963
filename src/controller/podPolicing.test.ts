import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { aPod } from "../decide/decidedFixture.ts";
import { silent, systemClock } from "../kube/clock.ts";
import type { ClusterPolicy, ClusterRule } from "../kube/clusterPolicy.ts";
import type { NetworkPolicy } from "../kube/networkPolicy.ts";
import type { Pod } from "../kube/objects.ts";
import { policyStores } from "../kube/policies.ts";
import { aClusterPolicy, aPolicy } from "../kube/policyFixture.ts";
import { emptyStore } from "../kube/stores.ts";
import { PodPolicing } from "./podPolicing.ts";

const policy = (name: string, app: string): NetworkPolicy =>
  aPolicy(name, { podSelector: [{ key: "app", operator: "In", values: [app] }] });
const db = aPod("db", { labels: { app: "db" } });
const web = aPod("web", { labels: { app: "web" } });
const port = { name: "demo_pool_n1_3", addresses: [], chassis: "chassis-n1" };

/** One policy selects `db`, none `web`. Every step succeeds, unless the test says otherwise. */
function world() {
  const [NetworkPolicy, Pod, Namespace] = [
    emptyStore("NetworkPolicy"),
    emptyStore("Pod"),
    emptyStore("Namespace"),
  ];
  const ofCluster = policyStores(emptyStore);
  const { ClusterNetworkPolicy } = ofCluster;
  const put = (...policies: readonly NetworkPolicy[]): void =>
    NetworkPolicy.apply(policies.map((object) => ({ type: "put", object })));
  const putPods = (...pods: readonly Pod[]): void =>
    Pod.apply(pods.map((object) => ({ type: "put", object })));
  put(policy("guards", "db"));
  putPods(db, web);
  const is = {
    ...{ known: true, asked: true, planned: true, committed: true, complete: true, filed: true },
    ...{ installed: true, elsewhere: true, standing: true, closed: false },
  };
  const seen: { queued: string[]; told: string[]; late: (() => void)[] } = { queued: [], told: [], late: [] };
  const untilTrue = async (what: keyof typeof is): Promise<void> => {
    while (!is[what]) await turn();
  };
  const policing = new PodPolicing({
    stores: { ...ofCluster, NetworkPolicy, Pod, Namespace },
    groups: {
      unconfirmed: { mayMissPolicyIn: () => !is.asked, has: () => false, isEmpty: true },
      meantFor: () => ({ subject: new Set(), peer: new Map() }),
    },
    standingOf: () => ({ has: [], refused: is.closed ? "no" : undefined, isUnknown: !is.standing }),
    observed: { isExactlyIn: () => is.filed },
    proof: { known: () => untilTrue("known") },
    members: {
      filed: () => untilTrue("complete"),
      carriers: () => new Set(["chassis-n1", "chassis-n2"]),
    },
    enforced: {
      committed: () => untilTrue("committed"),
      installed: async (_, chassis, signal) => {
        if (chassis.join() === "chassis-n1") return is.installed ? "installed" : "unknown";
        assert.deepEqual(chassis, ["chassis-n2"]);
        while (!is.elsewhere && !signal.aborted) await turn();
        return "installed";
      },
    },
    isPlanned: () => is.planned,
    enqueue: (owner) => void seen.queued.push(owner),
    tell: { refused: ({ name }, reason) => void seen.told.push(`${name}: ${reason}`) },
    // What is to happen in a second happens in the next turn; what is told after longer, when the test says so.
    clock: {
      ...systemClock,
      after: (ms, action) => {
        if (ms <= 1_000) {
          const next = setImmediate(action);
          return () => clearImmediate(next);
        }
        seen.late.push(action);
        return () => void seen.late.splice(seen.late.indexOf(action), 1);
      },
    },
    log: silent,
    signal: new AbortController().signal,
  });
  const inForce = async (
    pod: Pod,
    at: typeof port | (Omit<typeof port, "chassis"> & { chassis: undefined }) = port,
  ) => {
    policing.isInForce(pod, at);
    for (let turns = 0; turns < 20; turns++) {
      policing.look();
      await turn();
    }
    return policing.isInForce(pod, at);
  };
  const putOfCluster = (...policies: readonly ClusterPolicy<"ClusterNetworkPolicy">[]): void =>
    ClusterNetworkPolicy.apply(policies.map((object) => ({ type: "put", object })));
  return { policing, put, putPods, putOfCluster, is, seen, inForce };
}

const steps = ["known", "asked", "planned", "committed", "filed", "installed"] as const;
for (const step of steps)
  test(`a selected pod's port opens only when its policies are ${step}, and then at once`, async () => {
    const { is, seen, inForce } = world();
    is[step] = false;
    assert.ok(!(await inForce(db)));
    assert.ok(!seen.queued.includes("pool/n1"));
    is[step] = true;
    assert.ok(await inForce(db));
    assert.ok(seen.queued.includes("pool/n1"));
  });

test("no pod's port opens while it is not known which security profiles it may have", async () => {
  const { is, inForce } = world();
  is.standing = false;
  assert.ok(!(await inForce(web)));
  is.standing = true;
  assert.ok(await inForce(web));
});

for (const step of ["committed", "filed", "installed"] as const)
  test(`the port of a pod that its security profiles close opens when that is ${step}, though no policy selects it`, async () => {
    const { is, inForce } = world();
    is.closed = true;
    is[step] = false;
    assert.ok(!(await inForce(web)));
    is[step] = true;
    assert.ok(await inForce(web));
  });

test("a policy that has not been planned as it is now is queued", async () => {
  const { is, seen, inForce } = world();
  is.planned = false;
  await inForce(db);
  assert.ok(seen.queued.includes("networkpolicy/shop/guards"));
});

test("for a pod that no policy selects nothing has to be in force, but nothing of an earlier pod may be left", async () => {
  const { is, inForce } = world();
  is.planned = is.committed = is.installed = is.filed = false;
  const unbound = { ...port, chassis: undefined };
  assert.ok(!(await inForce(web, unbound)));
  is.filed = true;
  assert.ok(await inForce(web, unbound));
});

const ofCluster = (
  subject: string,
  action: ClusterRule["action"],
  peer: string,
): ClusterPolicy<"ClusterNetworkPolicy"> => {
  const pods = (app: string) =>
    ({ kind: "pods", namespaces: [], pods: [{ key: "app", operator: "In", values: [app] }] }) as const;
  return aClusterPolicy("all", {
    subject: pods(subject),
    ingress: [{ action, index: 0, name: "", peers: [pods(peer)], ports: undefined }],
  });
};
const concerning: readonly (readonly [string, ClusterPolicy<"ClusterNetworkPolicy">, boolean])[] = [
  ["selects it", ofCluster("web", "Accept", "db"), true],
  ["closes others to it", ofCluster("db", "Deny", "web"), true],
  ["opens others to it", ofCluster("db", "Accept", "web"), false],
  ["is about others", ofCluster("db", "Deny", "db"), false],
];
for (const [what, object, isWaitedFor] of concerning)
  test(`a pod's port ${isWaitedFor ? "waits" : "does not wait"} for a policy of the cluster that ${what}`, async () => {
    const { is, seen, inForce, putOfCluster } = world();
    putOfCluster(object);
    is.planned = false;
    assert.equal(await inForce(web), !isWaitedFor);
    assert.equal(seen.queued.includes("clusternetworkpolicy/all"), isWaitedFor);
    is.planned = true;
    assert.ok(await inForce(web));
  });

test("a port waits until the policies that close others to its pod are in force where these are, but not for ever", async () => {
  for (const isEver of [true, false]) {
    const { is, seen, inForce, putOfCluster } = world();
    putOfCluster(ofCluster("db", "Deny", "web"));
    is.elsewhere = false;
    assert.ok(!(await inForce(web)));
    if (isEver) is.elsewhere = true;
    else for (const action of seen.late) action();
    assert.ok(await inForce(web));
  }
});

test("of a policy that only selects the pod, nothing is awaited elsewhere", async () => {
  const { is, inForce, putOfCluster } = world();
  putOfCluster(ofCluster("web", "Deny", "db"));
  is.elsewhere = false;
  assert.ok(await inForce(web));
});

test("a policy of the cluster has to have all pods in its groups before", async () => {
  const { is, inForce, putOfCluster } = world();
  putOfCluster(ofCluster("web", "Deny", "db"));
  is.complete = false;
  assert.ok(!(await inForce(web)));
  is.complete = true;
  assert.ok(await inForce(web));
});

test("what was in force is so no more when another policy selects the pod, or the pod has other labels", async () => {
  const { put, putPods, is, policing, inForce } = world();
  for (const change of [() => put(policy("more", "db")), () => putPods({ ...db, labels: { app: "web" } })]) {
    assert.ok(await inForce(db));
    change();
    is.known = false;
    assert.ok(!policing.isInForce(db, port));
    is.known = true;
  }
  assert.ok(await inForce(db));
});

test("a port is prepared when the policies that select its pod are known and committed, also one that comes meanwhile", async () => {
  const { put, is, policing } = world();
  is.committed = false;
  let isPrepared = false;
  const prepared = policing.prepared(db).then(() => void (isPrepared = true));
  put(policy("more", "db"));
  for (let turns = 0; turns < 10; turns++) await turn();
  assert.ok(!isPrepared);
  is.committed = true;
  await prepared;
});

test("people are told what a pod waits for when that takes long, and only then", async () => {
  const { is, seen, inForce } = world();
  is.committed = false;
  await inForce(db);
  for (const action of seen.late) action();
  assert.deepEqual(seen.told, [
    "db: its packets do not pass until NetworkPolicy shop/guards is in the database",
  ]);
  is.committed = true;
  await inForce(db);
  assert.deepEqual(seen.late, []);
});
