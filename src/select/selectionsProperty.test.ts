import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Namespace, ObjectMeta, Pod } from "../kube/objects.ts";
import type { Edit } from "../kube/store.ts";
import { parseCidr } from "../model/ip.ts";
import { Fed, put, remove } from "./fedFixture.ts";
import { Mirror, podsOf } from "./memberSourceContract.ts";
import {
  anyLabels,
  anySelector,
  naiveMembers,
  namespaceFixture,
  placesByStatus,
  podFixture,
} from "./selectFixture.ts";
import {
  allNamespaces,
  labelSelection,
  namespacesMatching,
  oneNamespace,
  rangeSelection,
  type Selection,
} from "./selection.ts";

const everything = labelSelection(allNamespaces, []);
const namespaceNames = fc.constantFrom("shop", "bank", "toll");
const anyPod = fc
  .record({
    namespace: namespaceNames,
    name: fc.constantFrom("a", "b", "c"),
    labels: anyLabels,
    uid: fc.constantFrom("first", "second"),
    podIps: fc.subarray(["10.0.0.1", "10.0.0.2", "fd00::1"]),
    hostNetwork: fc.constantFrom(false, false, false, true),
    phase: fc.constantFrom<Pod["phase"]>("Pending", "Running", "Running", "Succeeded"),
  })
  .map(({ namespace, name, labels, ...more }) => podFixture(namespace, name, labels, more));
const anyNamespace = fc
  .tuple(namespaceNames, anyLabels)
  .map(([name, labels]) => namespaceFixture(name, labels));
const anyScope = fc.oneof(
  fc.constant(allNamespaces),
  namespaceNames.map(oneNamespace),
  anySelector.map(namespacesMatching),
);
const anySelection: fc.Arbitrary<Selection> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(anyScope, anySelector).map(([scope, pods]) => labelSelection(scope, pods)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom("10.0.0.0/31", "10.0.0.0/30", "::/0"),
        fc.subarray(["10.0.0.2/32", "10.0.0.0/31"]),
      )
      .map(([range, except]) => {
        const [cidr, ...exceptions] = [range, ...except].flatMap((text) => parseCidr(text) ?? []);
        return cidr ? rangeSelection(cidr, exceptions) : everything;
      }),
  },
);

/** Writes the object, or removes the one of its name. */
interface Written<T> {
  readonly object: T;
  readonly isGone: boolean;
}
type Action =
  | { readonly act: "pods"; readonly written: readonly Written<Pod>[] }
  | { readonly act: "namespaces"; readonly written: readonly Written<Namespace>[] }
  | { readonly act: "use"; readonly user: string; readonly selections: readonly number[] }
  | { readonly act: "work"; readonly steps: number }
  | { readonly act: "ask" };

const anyWritten = <T>(object: fc.Arbitrary<T>): fc.Arbitrary<readonly Written<T>[]> =>
  fc.array(fc.record({ object, isGone: fc.constantFrom(false, false, false, true) }), {
    minLength: 1,
    maxLength: 4,
  });
const editOf = <T extends ObjectMeta>({ object, isGone }: Written<T>): Edit<T> =>
  isGone ? remove(object) : put(object);
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ act: fc.constant("pods" as const), written: anyWritten(anyPod) }),
  fc.record({ act: fc.constant("namespaces" as const), written: anyWritten(anyNamespace) }),
  fc.record({
    act: fc.constant("use" as const),
    user: fc.constantFrom("a", "b"),
    selections: fc.array(fc.nat(7), { maxLength: 4 }),
  }),
  fc.record({ act: fc.constant("work" as const), steps: fc.integer({ min: 1, max: 6 }) }),
  fc.constant({ act: "ask" as const }),
);

/** Selections whose job is run step by step, compared with the answer from scratch. */
class Judged {
  #job: Iterator<void, void> | undefined;
  readonly #fed = new Fed(async (job) => void (this.#job = job));
  readonly #mirror = new Mirror(this.#fed.source);
  readonly #selections: readonly Selection[];
  readonly #uses = new Map<string, readonly Selection[]>();

  constructor(selections: readonly Selection[]) {
    this.#selections = selections;
  }

  do(action: Action): void {
    switch (action.act) {
      case "pods":
        return this.#fed.pods.apply(action.written.map(editOf));
      case "namespaces":
        return this.#fed.namespaces.apply(action.written.map(editOf));
      case "use": {
        const used = action.selections.flatMap((index) => this.#selections[index] ?? []);
        this.#uses.set(action.user, used);
        return this.#fed.source.use(action.user, used);
      }
      case "work":
        for (let step = 0; step < action.steps; step++) this.#job?.next();
        return;
      case "ask":
        this.judgePods();
    }
  }

  settle(): void {
    while (!this.#fed.source.isSettled) this.#job?.next();
  }

  judgeMembers(): void {
    const { source, world } = this.#fed;
    const used = this.#used;
    for (const selection of this.#selections) {
      const isUsed = used.has(selection.key);
      const expected = isUsed ? naiveMembers(selection, world, placesByStatus) : [];
      assert.deepEqual(this.#mirror.membersOf(selection), podsOf(expected), selection.key);
      if (isUsed) assert.deepEqual(new Set(source.members(selection)), new Set(expected), selection.key);
      else assert.throws(() => source.members(selection), RangeError);
    }
  }

  /** For a single pod the source is exact, however much it has not worked in yet. */
  judgePods(): void {
    const { source, world } = this.#fed;
    const expected = new Map<string, string[]>();
    for (const selection of this.#used.values())
      for (const pod of podsOf(naiveMembers(selection, world, placesByStatus)))
        expected.set(pod, [...(expected.get(pod) ?? []), selection.key]);
    for (const { namespace, name } of world.pods) {
      const keys = source.membershipsOf(namespace, name).map(({ selection }) => selection.key);
      assert.deepEqual(keys.sort(), expected.get(`${namespace}/${name}`)?.sort() ?? []);
    }
  }

  get #used(): ReadonlyMap<string, Selection> {
    return new Map([...this.#uses.values()].flat().map((selection) => [selection.key, selection]));
  }
}

test("any order of changes, worked in step by step, leads to the answer from scratch", () => {
  fc.assert(
    fc.property(
      fc.array(anySelection, { minLength: 8, maxLength: 8 }),
      fc.array(anyAction, { maxLength: 60, size: "max" }),
      (selections, actions) => {
        const judged = new Judged(selections);
        for (const action of actions) judged.do(action);
        judged.settle();
        judged.judgeMembers();
        judged.judgePods();
      },
    ),
    { numRuns: 1_000 },
  );
});

test("a selection may be dropped and taken up again at any moment", () => {
  const pods = ["a", "b", "c"].map((name) => podFixture("shop", name, {}, { podIps: ["10.0.0.1"] }));
  const anyUse = fc.subarray([0]).map((selections) => ({ act: "use" as const, user: "a", selections }));
  const anyWork = fc.integer({ min: 1, max: 2 }).map((steps) => ({ act: "work" as const, steps }));
  fc.assert(
    fc.property(fc.array(fc.oneof(anyUse, anyWork), { maxLength: 30, size: "max" }), (actions) => {
      const judged = new Judged([everything]);
      judged.do({ act: "pods", written: pods.map((object) => ({ object, isGone: false })) });
      for (const action of actions) judged.do(action);
      judged.settle();
      judged.judgeMembers();
    }),
    { numRuns: 1_000 },
  );
});
