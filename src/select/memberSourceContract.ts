// The rules for every source of members, as tests that each implementation goes through. Each brings its own way of
// learning about the world.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr } from "../model/ip.ts";
import type { Place } from "../model/place.ts";
import type { MemberSource, MembershipChange } from "./memberSource.ts";
import { naiveMembers, namespaceFixture, placesByStatus, podFixture, type World } from "./selectFixture.ts";
import {
  allNamespaces,
  labelSelection,
  namespacesMatching,
  oneNamespace,
  rangeSelection,
  type Selection,
} from "./selection.ts";

export interface SourceUnderTest {
  readonly source: MemberSource;
  /** From now on the cluster is `world`, with places as in `placesByStatus`. Resolves when the source has settled. */
  readonly show: (world: World) => Promise<void>;
}

const web = podFixture("shop", "web", { app: "web", tier: "front" }, { podIps: ["10.0.0.1", "fd00::1"] });
const till = podFixture("bank", "till", { app: "till", tier: "front" }, { podIps: ["10.0.0.2"] });
const vault = podFixture("bank", "vault", { app: "vault" }, { podIps: ["10.0.1.3"] });
const shop = namespaceFixture("shop", { team: "sales" });
const bank = namespaceFixture("bank", { team: "money" });
const world: World = { pods: [web, till, vault], namespaces: [shop, bank] };

const everything = labelSelection(allNamespaces, []);
const front = labelSelection(allNamespaces, [{ key: "tier", operator: "In", values: ["front"] }]);
const inBank = labelSelection(oneNamespace("bank"), []);
const money = labelSelection(namespacesMatching([{ key: "team", operator: "In", values: ["money"] }]), [
  { key: "app", operator: "Exists", values: [] },
]);
const range = rangeSelection(cidr("10.0.0.0/23"), [cidr("10.0.0.2/32")]);
const all: readonly Selection[] = [everything, front, inBank, money, range];

/** Registers the tests. `make` returns a source that knows nothing yet. */
export function testMemberSource(what: string, make: () => SourceUnderTest): void {
  test(`${what}: a selection has the members that a look at the whole cluster finds`, async () => {
    const { source, show } = make();
    source.use("policy", all);
    await show(world);
    for (const selection of all)
      assert.deepEqual(podsOf(source.members(selection)), naively(selection, world), selection.key);
  });

  test(`${what}: a member is a pod's place, with its network, port and addresses`, async () => {
    const { source, show } = make();
    source.use("policy", [everything]);
    await show({ pods: [web], namespaces: [shop] });
    assert.deepEqual([...source.members(everything)], placesByStatus(web));
  });

  test(`${what}: a pod's memberships are the members seen from the pod`, async () => {
    const { source, show } = make();
    source.use("policy", all);
    await show(world);
    for (const { namespace, name } of world.pods) {
      const seen = source.membershipsOf(namespace, name).map(({ selection }) => selection.key);
      const expected = all.filter((each) => naively(each, world).includes(`${namespace}/${name}`));
      assert.deepEqual(seen.sort(), expected.map(({ key }) => key).sort());
    }
    assert.deepEqual(source.membershipsOf("shop", "nobody"), []);
  });

  test(`${what}: changes lead from the old members to the new ones, one member at a time`, async () => {
    const { source, show } = make();
    const mirror = new Mirror(source);
    source.use("policy", all);
    const moved = { ...world, namespaces: [shop, namespaceFixture("bank", { team: "sales" })] };
    const relabelled = { ...moved, pods: [web, { ...till, labels: { app: "till" } }, vault] };
    const readdressed = { ...moved, pods: [{ ...web, podIps: ["10.0.2.1"] }, till] };
    for (const now of [world, moved, relabelled, readdressed, { pods: [], namespaces: [] }, world]) {
      await show(now);
      for (const selection of all) {
        assert.deepEqual(mirror.membersOf(selection), naively(selection, now), selection.key);
        assert.deepEqual(podsOf(source.members(selection)), naively(selection, now), selection.key);
      }
    }
  });

  test(`${what}: a place whose addresses change is removed and added anew`, async () => {
    const { source, show } = make();
    source.use("policy", [front]);
    await show({ pods: [web], namespaces: [] });
    const told: MembershipChange[] = [];
    source.subscribe((changes) => void told.push(...changes));
    const readdressed = { ...web, podIps: ["10.0.0.9"] };
    await show({ pods: [readdressed], namespaces: [] });
    assert.deepEqual(
      told.map(({ added, removed }) => ({ added, removed })),
      [{ added: placesByStatus(readdressed), removed: placesByStatus(web) }],
    );
  });

  test(`${what}: a selection lives as long as one of its users, however each of them writes it`, async () => {
    const { source, show } = make();
    const mirror = new Mirror(source);
    await show(world);
    const written = (values: readonly string[]) =>
      labelSelection(allNamespaces, [{ key: "app", operator: "In", values }]);
    const [one, other] = [written(["web", "till"]), written(["till", "web", "till"])];
    source.use("a", [one]);
    source.use("b", [other, other]);
    await source.settled();
    assert.equal(source.members(one), source.members(other));
    assert.deepEqual(mirror.membersOf(one), ["bank/till", "shop/web"]);
    source.use("a", []);
    await source.settled();
    assert.deepEqual(podsOf(source.members(one)), ["bank/till", "shop/web"]);
    source.use("b", [front]);
    await source.settled();
    assert.deepEqual(mirror.membersOf(one), []);
    assert.throws(() => source.members(one), /nobody uses the selection/);
    assert.deepEqual(mirror.membersOf(front), ["bank/till", "shop/web"]);
  });

  test(`${what}: a selection that is dropped and taken up again at once keeps its members`, async () => {
    const { source, show } = make();
    const mirror = new Mirror(source);
    source.use("a", [front]);
    await show(world);
    source.use("a", []);
    source.use("b", [front]);
    await source.settled();
    assert.deepEqual(podsOf(source.members(front)), ["bank/till", "shop/web"]);
    assert.deepEqual(mirror.membersOf(front), ["bank/till", "shop/web"]);
  });

  test(`${what}: a listener that has left hears nothing more`, async () => {
    const { source, show } = make();
    let calls = 0;
    source.subscribe(() => void calls++)();
    source.use("policy", all);
    await show(world);
    assert.equal(calls, 0);
  });
}

/** Follows a source by its changes alone, and fails on a change that makes no sense. */
export class Mirror {
  readonly #members = new Map<string, Set<Place>>();

  constructor(source: MemberSource) {
    source.subscribe((changes) => {
      for (const change of changes) this.#apply(change);
    });
  }

  membersOf(selection: Selection): readonly string[] {
    return podsOf(this.#members.get(selection.key) ?? []);
  }

  #apply({ selection, added, removed }: MembershipChange): void {
    const members = this.#members.get(selection.key) ?? new Set();
    this.#members.set(selection.key, members);
    for (const place of removed) assert.ok(members.delete(place), `${place.port} was no member`);
    for (const place of added) {
      assert.ok(!members.has(place), `${place.port} was a member`);
      members.add(place);
    }
  }
}

/** `bank/till` for each place, sorted. */
export const podsOf = (places: Iterable<Place>): readonly string[] =>
  [...places].map(({ namespace, pod }) => `${namespace}/${pod}`).sort();

const naively = (selection: Selection, now: World): readonly string[] =>
  podsOf(naiveMembers(selection, now, placesByStatus));

function cidr(text: string) {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`no network: ${text}`);
  return parsed;
}
