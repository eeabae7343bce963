import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseIp } from "../model/ip.ts";
import { type Answer, type Beginning, beginningOf, type Disk } from "./beginning.ts";
import type { Member } from "./members.ts";

const members = ["a", "b", "c"].flatMap((node, index): readonly Member[] => {
  const address = parseIp(`192.0.2.1${index}`);
  return address ? [{ node, address }] : [];
});
const [a, b, c] = members;
assert.ok(a && b && c);
const nothing: Disk = { kind: "nothing" };
const raftAddress = (member: Member): string => `ssl:192.0.2.1${members.indexOf(member)}:6643`;

const beginning = (
  own: Member,
  disk: Disk,
  answers: readonly (readonly [Member, Answer])[] = [],
  more: { readonly members?: readonly Member[]; readonly clustered?: boolean } = {},
): Beginning =>
  beginningOf({
    name: "northbound",
    place: { own, members: more.members ?? members },
    clustered: more.clustered ?? true,
    disk,
    answers: new Map(answers),
  });

test("a single node begins a database of its own, or a cluster of one if it is to grow", () => {
  const alone = { members: [a], clustered: false };
  assert.deepEqual(beginning(a, nothing, [], alone), { kind: "create standalone" });
  assert.deepEqual(beginning(a, { kind: "standalone" }, [], alone), { kind: "use" });
  const growing = { members: [a], clustered: true };
  assert.deepEqual(beginning(a, nothing, [], growing), { kind: "create cluster", from: "schema" });
  assert.deepEqual(beginning(a, { kind: "standalone" }, [], growing), {
    kind: "create cluster",
    from: "standalone",
  });
});

test("only the first member makes a cluster, and only when the others have said that they have none", () => {
  const bothWait = [
    [b, "waits"],
    [c, "waits"],
  ] as const;
  assert.deepEqual(beginning(a, nothing, bothWait), { kind: "create cluster", from: "schema" });
  const waiting = beginning(a, nothing, [
    [b, "waits"],
    [c, "silent"],
  ]);
  assert.equal(waiting.kind, "wait");
  assert.match(waiting.kind === "wait" ? waiting.why : "", /^no answer from c:/);
  for (const own of [b, c])
    assert.deepEqual(beginning(own, nothing).kind, "join", `${own.node} never makes one`);
});

test("a member with a new disk joins the cluster that another one is of", () => {
  const answer = { cluster: "3a5f0c9e-0000-4000-8000-000000000000" };
  const joining = beginning(a, nothing, [
    [b, "silent"],
    [c, answer],
  ]);
  assert.deepEqual(joining, { kind: "join", remotes: [raftAddress(b), raftAddress(c)] });
});

test("a member that has its disk goes on with it, whatever the others say", () => {
  const disk: Disk = { kind: "clustered", address: raftAddress(a) };
  assert.deepEqual(beginning(a, disk, [[b, "silent"]]), { kind: "use" });
});

test("what only an operator can decide is refused with what to do", () => {
  const moved = beginning(a, { kind: "clustered", address: raftAddress(b) });
  assert.match(
    moved.kind === "refuse" ? moved.why : "",
    /remove the file, and this member joins the cluster again$/,
  );
  const single = beginning(a, { kind: "standalone" });
  assert.match(single.kind === "refuse" ? single.why : "", /central\.clustered and this node alone/);
});

// Each member looks in its turn, with whatever disks are lost and whoever is away meanwhile.
test("in no order of starts and losses do two clusters come to be while a member knows of one", () => {
  type Has = "nothing" | "joins" | number;
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          who: fc.nat(2),
          what: fc.constantFrom("start", "lose disk"),
          away: fc.array(fc.nat(2), { maxLength: 2 }),
        }),
        { maxLength: 60 },
      ),
      (story) => {
        const disks: Has[] = ["nothing", "nothing", "nothing"];
        let clusters = 0;
        for (const { who, what, away } of story) {
          const own = members[who];
          assert.ok(own);
          if (what === "lose disk") {
            disks[who] = "nothing";
            continue;
          }
          const answers = members.flatMap((peer, index): readonly (readonly [Member, Answer])[] => {
            if (index === who) return [];
            const has = disks[index];
            if (away.includes(index) || has === "nothing" || has === undefined) return [[peer, "silent"]];
            return [[peer, has === "joins" ? "waits" : { cluster: String(has) }]];
          });
          const disk: Disk =
            disks[who] === "nothing" ? nothing : { kind: "clustered", address: raftAddress(own) };
          const { kind } = beginning(own, disk, answers);
          if (kind === "create cluster") {
            assert.ok(!disks.some((has) => typeof has === "number"), "a member knows of a cluster");
            disks[who] = ++clusters;
          }
          if (kind === "join") disks[who] = "joins";
          // Who waits to join is taken in by any member of a cluster that it reaches.
          const known = disks.find((has) => typeof has === "number");
          if (known !== undefined)
            disks.forEach((has, index) => {
              if (has === "joins" && !away.includes(index)) disks[index] = known;
            });
          assert.ok(new Set(disks.filter((has) => typeof has === "number")).size <= 1);
        }
      },
    ),
    { numRuns: 500 },
  );
});
