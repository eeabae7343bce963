// Leader election against a small Lease API with optimistic locking, with a clock that only advances when told to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { KubeClient } from "../../src/kube/client.ts";
import { isRecord, record, text } from "../../src/kube/json.ts";
import { Lease, type Term } from "../../src/kube/lease.ts";
import { leaseRecordOf } from "../../src/kube/lease-record.ts";
import {
  type Answer,
  json,
  type ManualClock,
  manualClock,
  type Scripted,
  scripted,
  status,
  until,
} from "./kubeScript.ts";

/** A lease, as an API server keeps it. */
class LeaseApi {
  lease: unknown;
  version = 0;
  /** Writes are accepted and take effect, but their answers are lost. */
  mute = false;
  down = false;
  writes = 0;

  readonly answer: Answer = (response, seen) => {
    if (this.down) return void response.destroy();
    const reply = this.#reply(seen.method, seen.body);
    if (this.mute && seen.method !== "GET") response.destroy();
    else reply(response, seen);
  };

  #reply(method: string, body: string): Answer {
    if (method === "GET") return this.lease ? json(this.lease) : status(404, "NotFound");
    const sent: unknown = JSON.parse(body);
    if (method === "POST" && this.lease) return status(409, "AlreadyExists");
    if (method === "PUT" && !this.lease) return status(404, "NotFound");
    const version = text(record(record(sent).metadata).resourceVersion);
    if (method === "PUT" && version !== `${this.version}`) return status(409, "Conflict");
    this.version++;
    this.writes++;
    this.lease = stamped(sent, this.version);
    return json(this.lease);
  }

  get holder(): string {
    return leaseRecordOf(this.lease).holder;
  }
}

function stamped(lease: unknown, version: number): unknown {
  assert.ok(isRecord(lease));
  return { ...lease, metadata: { ...record(lease.metadata), resourceVersion: `${version}` } };
}

interface Scene {
  readonly api: LeaseApi;
  readonly clock: ManualClock;
  readonly server: Scripted;
  readonly client: KubeClient;
  readonly candidate: (identity: string) => Lease;
  /** Lets time pass in steps of a second, with everything that happens then, until `condition` holds. */
  readonly pass: (condition: () => boolean, what: string) => Promise<void>;
}

async function scene(play: (scene: Scene) => Promise<void>): Promise<void> {
  const api = new LeaseApi();
  await using server = await scripted([api.answer]);
  using client = new KubeClient({ server: server.url, namespace: "weft" });
  const clock = manualClock();
  const candidate = (identity: string): Lease =>
    new Lease({ client, namespace: "weft", name: "leader", identity, clock, random: () => 0.5 });
  const pass = (condition: () => boolean, what: string): Promise<void> => {
    let rounds = 0;
    return until(() => {
      // The requests of one round are answered within a few milliseconds. Only then does time go on.
      if (!condition() && server.counts.answering === 0 && ++rounds % 10 === 0) clock.advance(1000);
      return condition();
    }, what);
  };
  await play({ api, clock, server, client, candidate, pass });
}

/** Acquires in the background. The term appears in the box. */
function acquiring(lease: Lease, signal: AbortSignal): { term?: Term; done: Promise<void> } {
  const box: { term?: Term; done: Promise<void> } = { done: Promise.resolve() };
  box.done = lease.acquire(signal).then((term) => {
    box.term = term;
    return undefined;
  });
  return box;
}

const never = new AbortController().signal;

test("the first candidate creates the lease and renews it", () =>
  scene(async ({ api, clock, candidate, pass }) => {
    await using term = await candidate("a").acquire(never);
    assert.equal(api.holder, "a");
    assert.equal(term.transitions, 0);
    assert.deepEqual(record(api.lease).spec, {
      holderIdentity: "a",
      leaseDurationSeconds: 15,
      acquireTime: new Date(clock.wall()).toISOString().replace("Z", "000Z"),
      renewTime: new Date(clock.wall()).toISOString().replace("Z", "000Z"),
      leaseTransitions: 0,
    });
    await pass(() => api.writes > 8, "the lease was renewed eight times");
    assert.equal(term.signal.aborted, false);
  }));

test("what the holder states is on the lease for as long as it states it, beside what others stated", () =>
  scene(async ({ api, clock, client, pass }) => {
    const said: { held: string | undefined } = { held: undefined };
    const annotations = (): Record<string, string | undefined> => ({ held: said.held });
    const lease = new Lease({ client, namespace: "weft", name: "leader", identity: "a", clock, annotations });
    await using term = await lease.acquire(never);
    const onLease = (): unknown => record(record(api.lease).metadata).annotations;
    const metadata = { resourceVersion: `${++api.version}`, annotations: { note: "of others" } };
    api.lease = { ...record(api.lease), metadata };
    await pass(() => api.writes > 1, "the lease was renewed past the change of others");
    said.held = "57 of 60 rows";
    await pass(() => api.writes > 3, "the lease was renewed");
    assert.deepEqual(onLease(), { note: "of others", held: "57 of 60 rows" });
    said.held = undefined;
    await pass(() => api.writes > 5, "the lease was renewed again");
    assert.deepEqual(onLease(), { note: "of others" });
    assert.equal(term.signal.aborted, false);
  }));

test("another candidate gets a released lease at its next try, with one more transition", () =>
  scene(async ({ api, candidate, pass }) => {
    const first = await candidate("a").acquire(never);
    const second = acquiring(candidate("b"), never);
    await first[Symbol.asyncDispose]();
    assert.equal(first.signal.aborted, true);
    assert.equal(api.holder, "");
    await pass(() => second.term !== undefined, "b leads");
    assert.equal(api.holder, "b");
    assert.equal(second.term?.transitions, 1);
    await second.term?.[Symbol.asyncDispose]();
  }));

test("a leader that is alive is never replaced", () =>
  scene(async ({ api, candidate, pass }) => {
    await using term = await candidate("a").acquire(never);
    const giveUp = new AbortController();
    const second = acquiring(candidate("b"), giveUp.signal);
    await pass(() => api.writes > 12, "a has renewed for longer than the lease lasts");
    assert.equal(second.term, undefined);
    assert.equal(term.signal.aborted, false);
    giveUp.abort(new Error("enough"));
    await assert.rejects(second.done, /enough/);
  }));

test("a leader cut off from the API server stops before another can begin", () =>
  scene(async ({ api, clock, candidate, pass }) => {
    const first = await candidate("a").acquire(never);
    const seenAt = clock.now();
    api.down = true;
    await pass(() => first.signal.aborted, "a has stopped leading");
    assert.ok(clock.now() - seenAt < 15_000);
    assert.match(
      String(first.signal.reason),
      /weft\/leases\/leader ended: the lease could not be renewed in time/,
    );
    assert.equal(api.holder, "a");
    api.down = false;
    const second = acquiring(candidate("b"), never);
    await pass(() => second.term !== undefined, "b leads");
    assert.ok(clock.now() - seenAt >= 15_000);
    assert.equal(second.term?.transitions, 1);
    await first[Symbol.asyncDispose]();
    assert.equal(api.holder, "b");
    await second.term?.[Symbol.asyncDispose]();
  }));

test("a candidate waits out the whole duration by its own clock, whatever times the lease states", () =>
  scene(async ({ api, clock, candidate, pass }) => {
    const spec = {
      holderIdentity: "dead",
      leaseDurationSeconds: 60,
      renewTime: "1999-01-01T00:00:00.000000Z",
    };
    api.lease = stamped({ metadata: { name: "leader", labels: { kept: "yes" } }, spec }, ++api.version);
    const began = clock.now();
    const waiting = acquiring(candidate("b"), never);
    await pass(() => waiting.term !== undefined, "b leads");
    assert.ok(clock.now() - began >= 60_000);
    assert.deepEqual(record(record(api.lease).metadata).labels, { kept: "yes" });
    await waiting.term?.[Symbol.asyncDispose]();
  }));

test("a wall clock that jumps changes the times on a lease, but neither who leads nor for how long", () =>
  scene(async ({ api, clock, candidate, pass }) => {
    await using term = await candidate("a").acquire(never);
    const giveUp = new AbortController();
    const second = acquiring(candidate("b"), giveUp.signal);
    const year = 365 * 86_400_000;
    for (const jump of [year, -3 * year]) {
      const until = api.writes + 12;
      clock.step(jump);
      await pass(() => api.writes > until, "a has renewed for longer than the lease lasts");
      const age = clock.wall() - Date.parse(leaseRecordOf(api.lease).renewTime);
      assert.ok(age >= 0 && age < 15_000);
    }
    assert.equal(second.term, undefined);
    assert.equal(term.signal.aborted, false);
    giveUp.abort(new Error("enough"));
    await assert.rejects(second.done, /enough/);
  }));

test("an answer that is lost does not cost the lead: the lease is read again", () =>
  scene(async ({ api, candidate, pass }) => {
    api.mute = true;
    const first = acquiring(candidate("a"), never);
    await until(() => api.writes === 1, "the lease exists, and a does not know");
    api.mute = false;
    await pass(() => first.term !== undefined, "a leads");
    assert.equal(first.term?.transitions, 0);
    const before = api.writes;
    api.mute = true;
    await pass(() => api.writes === before + 1, "a renewal got through, its answer did not");
    api.mute = false;
    await pass(() => api.writes > before + 5, "a goes on renewing");
    assert.equal(first.term?.signal.aborted, false);
    await first.term?.[Symbol.asyncDispose]();
  }));

for (const [what, meddle, reason] of [
  ["taken by force", (api: LeaseApi) => (api.lease = stolen(api)), /"thief" took the lease/],
  ["deleted", (api: LeaseApi) => (api.lease = undefined), /the lease was deleted/],
] as const) {
  test(`a lease that is ${what} ends the term at the next renewal, and is not touched`, () =>
    scene(async ({ api, candidate, pass }) => {
      const term = await candidate("a").acquire(never);
      meddle(api);
      await pass(() => term.signal.aborted, "a has stopped leading");
      assert.match(String(term.signal.reason), reason);
      const after = api.lease;
      await term[Symbol.asyncDispose]();
      assert.equal(api.lease, after);
    }));
}

const stolen = (api: LeaseApi): unknown =>
  stamped({ metadata: { name: "leader" }, spec: { holderIdentity: "thief" } }, ++api.version);

test("two candidates at once: one leads", () =>
  scene(async ({ candidate, pass }) => {
    const giveUp = new AbortController();
    const both = [acquiring(candidate("a"), giveUp.signal), acquiring(candidate("b"), giveUp.signal)];
    await pass(() => both.some((one) => one.term), "one leads");
    giveUp.abort(new Error("enough"));
    const outcomes = await Promise.allSettled(both.map((one) => one.done));
    assert.deepEqual(outcomes.map((outcome) => outcome.status).sort(), ["fulfilled", "rejected"]);
    for (const one of both) await one.term?.[Symbol.asyncDispose]();
  }));
