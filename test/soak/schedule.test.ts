import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { layoutOf } from "../../sandbox/layout.ts";
import { settingsOf } from "../../sandbox/settings.ts";
import { faultText, possibleFaults, victimsOf } from "./fault.ts";
import {
  appsOf,
  type CampaignOptions,
  podsPerMinute,
  policiesPerMinute,
  type Step,
  scheduleOf,
  servicesPerMinute,
} from "./schedule.ts";

const faultsIn = (mode: "overlay" | "underlay", nodes: number) =>
  possibleFaults(layoutOf(settingsOf({ mode, nodes }, 0), "/run/x"), ["controller2"]);

const campaigns = fc
  .record({
    seed: fc.nat(),
    minutes: fc.constantFrom(0.2, 1, 5),
    nodes: fc.integer({ min: 1, max: 4 }),
    mode: fc.constantFrom("overlay" as const, "underlay" as const),
  })
  .map(({ seed, minutes, nodes, mode }): CampaignOptions => {
    const names = Array.from({ length: nodes }, (_, index) => `n${index + 1}`);
    return { seed, minutes, nodes: names, faults: faultsIn(mode, nodes) };
  });

const each = (check: (options: CampaignOptions, steps: readonly Step[]) => void): void =>
  fc.assert(
    fc.property(campaigns, (options) => check(options, scheduleOf(options))),
    { numRuns: 60 },
  );

test("the same seed gives the same campaign, and another seed another", () =>
  each((options, steps) => {
    assert.deepEqual(scheduleOf(options), steps);
    assert.notDeepEqual(scheduleOf({ ...options, seed: options.seed + 1 }), steps);
  }));

test("a campaign has its pods, Services and policies, in the order of time and before its end", () =>
  each(({ minutes }, steps) => {
    const count = (type: string): number => steps.filter(({ deed }) => deed.type === type).length;
    assert.equal(count("pod is born"), Math.round(podsPerMinute * minutes));
    assert.equal(count("service is born"), Math.round(servicesPerMinute * minutes));
    assert.equal(count("policy is born"), Math.round(policiesPerMinute * minutes));
    assert.deepEqual(
      steps.map(({ atMs }) => atMs),
      steps.map(({ atMs }) => atMs).toSorted((a, b) => a - b),
    );
    assert.ok(steps.every(({ atMs }) => atMs >= 0 && atMs < minutes * 60_000));
  }));

test("whoever dies has been born, and a name belongs to one at a time", () =>
  each(({ nodes }, steps) => {
    const alive = new Set<string>();
    for (const { deed } of steps) {
      if (deed.type === "fault") continue;
      const isBirth = deed.type.endsWith("is born");
      assert.equal(alive.has(deed.name), !isBirth, deed.name);
      if (isBirth) alive.add(deed.name);
      else alive.delete(deed.name);
      if (deed.type === "pod is born") assert.ok(nodes.includes(deed.node));
      if ("app" in deed) assert.ok(appsOf(nodes).includes(deed.app));
    }
  }));

test("no policy that closes pods is left at the end", () =>
  each((_, steps) => {
    const closing = new Set<string>();
    for (const { deed } of steps)
      if (deed.type === "policy is born" && deed.from === undefined) closing.add(deed.name);
      else if (deed.type === "policy dies") closing.delete(deed.name);
    assert.deepEqual([...closing], []);
  }));

test("no two faults have the same victim at once, at most three last at once, and none beyond the end", () =>
  each(({ minutes }, steps) => {
    const faults = steps.flatMap(({ atMs, deed }) =>
      deed.type === "fault" ? [{ ...deed, atMs, untilMs: atMs + deed.lastsMs }] : [],
    );
    for (const one of faults) {
      assert.ok(one.untilMs <= minutes * 60_000);
      const others = faults.filter(
        (other) => other !== one && other.atMs <= one.atMs && other.untilMs >= one.atMs,
      );
      assert.ok(others.length < 3);
      for (const other of others)
        assert.ok(new Set(victimsOf(one.fault)).isDisjointFrom(new Set(victimsOf(other.fault))));
    }
  }));

test("in an hour everything that can happen happens, and nothing much more often than another", () => {
  for (const mode of ["overlay", "underlay"] as const) {
    const faults = faultsIn(mode, 3);
    const steps = scheduleOf({ seed: 1, minutes: 60, nodes: ["n1", "n2", "n3"], faults });
    const counts = new Map<string, number>(faults.map((fault) => [faultText(fault), 0]));
    for (const { deed } of steps)
      if (deed.type === "fault")
        counts.set(faultText(deed.fault), (counts.get(faultText(deed.fault)) ?? 0) + 1);
    assert.equal(counts.size, faults.length, "every fault has a text of its own");
    assert.ok(Math.min(...counts.values()) > 0);
    assert.ok(Math.max(...counts.values()) - Math.min(...counts.values()) <= 1);
  }
});

test("every process of Weft, of OVN and of Kubernetes' control plane is a victim in three ways, others in none", () => {
  const victims = (mode: "overlay" | "underlay", sort: string): readonly string[] =>
    faultsIn(mode, 2)
      .flatMap((fault) => ("process" in fault && fault.sort === sort ? [fault.process] : []))
      .toSorted();
  const central = [
    "api",
    "central-nb",
    "central-northd",
    "central-sb",
    "controller",
    "controller2",
    "controllers",
  ];
  const on = (hosts: readonly string[], parts: readonly string[]): readonly string[] =>
    hosts.flatMap((host) => parts.map((part) => `${host}-${part}`));
  for (const sort of ["kill", "pause", "restart"]) {
    const nodes = on(["n1", "n2"], ["agent", "ovn-controller", "ovsdb", "vswitchd"]);
    assert.deepEqual(victims("overlay", sort), [...central, ...nodes].toSorted());
    const machines = on(["n1", "n2"], ["agent", "ovsdb", "vswitchd"]);
    const hypervisors = on(["h1", "h2"], ["ovn-controller", "ovsdb", "vswitchd"]);
    assert.deepEqual(victims("underlay", sort), [...central, ...machines, ...hypervisors].toSorted());
  }
});

test("a host's processes die together, and those of a program on all hosts", () => {
  const together = new Map(
    faultsIn("overlay", 2).flatMap((fault) => (fault.sort === "outage" ? [[fault.of, fault.processes]] : [])),
  );
  assert.deepEqual([...together.keys()].toSorted(), [
    "central",
    ...["agent", "controller", "ovn-controller", "ovsdb", "vswitchd"].map((program) => `every ${program}`),
    "n1",
    "n2",
  ]);
  assert.deepEqual(together.get("n2"), ["n2-ovsdb", "n2-vswitchd", "n2-ovn-controller", "n2-agent"]);
  assert.deepEqual(together.get("every controller"), ["controller", "controller2"]);
});
