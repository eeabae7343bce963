// Whatever an API server leaves out, nothing that served traffic goes while it lies; and when it tells the truth, everything
// is as it should be (guardStory.ts).

import { test } from "node:test";
import fc from "fast-check";
import { plurals, type Story, tell, ways } from "./guardStory.ts";
import { type Lie, lies, others } from "./lyingApi.ts";

const bounded = { timeout: 170_000 };

/** A controller does not lead before every kind that a server must have is listed. */
const isPossible = (said: Readonly<Record<string, Lie>>): boolean =>
  Object.entries(said).every(
    ([plural, lie]) =>
      lie !== "not served" ||
      ["servicecidrs", "securityprofiles", "floatingaddresses", "ipaddresspools"].includes(plural),
  );

const saidOfKinds = fc
  .dictionary(fc.constantFrom(...plurals), fc.constantFrom(...lies), { minKeys: 1 })
  .filter(isPossible);

const stories: fc.Arbitrary<Story> = fc.record({
  way: fc.constantFrom(...ways),
  lies: fc.oneof(
    { weight: 5, arbitrary: saidOfKinds },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...others.map((one) => `another server, ${one}` as const)),
    },
  ),
  isRunning: fc.boolean(),
  late: fc.option(fc.constantFrom(...plurals), { nil: undefined }),
  watchesGoOn: fc.boolean(),
});

const all = (lie: Lie): Readonly<Record<string, Lie>> =>
  Object.fromEntries(plurals.map((plural) => [plural, lie]));

const named: readonly (readonly [what: string, lies: Story["lies"], late?: string])[] = [
  ["no EndpointSlices", { endpointslices: "nothing" }],
  ["half of all Services", { services: "less" }],
  ["no nodes", { nodes: "nothing" }],
  ["neither Services nor nodes, which come last", { services: "nothing", nodes: "nothing" }, "nodes"],
  ["no policies", { networkpolicies: "nothing" }],
  ["no security profiles", { securityprofiles: "nothing" }],
  ["that it serves no security profiles", { securityprofiles: "not served" }],
  ["neither pods nor namespaces", { pods: "nothing", namespaces: "nothing" }],
  ["no namespaces", { namespaces: "nothing" }],
  ["no pods", { pods: "nothing" }],
  ["half of all pods", { pods: "less" }],
  ["no floating addresses", { floatingaddresses: "nothing" }],
  ["no pools of addresses", { ipaddresspools: "nothing" }],
  ["an older state of everything", all("older")],
  ["an older state of everything from one member of several", all("stale")],
  ["nothing at all, and it is another cluster's", "another server, empty"],
  ["what another cluster has", "another server, used"],
  ["everything that it knows, and the cluster has another identity", "another server, same"],
  ["that it serves no ranges", { servicecidrs: "not served" }],
];

/** What ready ports depend on. Underlay mode has them too. */
const aboutPools = named.filter(([what]) => /nodes|pods|policies|profiles|older|another/.test(what));

for (const [way, told] of [
  ["assigned", named],
  ["pooled", aboutPools],
] as const)
  for (const [what, said, late] of told)
    for (const isRunning of [true, false])
      test(`a ${isRunning ? "running" : "starting"} controller hears of ${what} (${way})`, bounded, () =>
        tell({ way, lies: said, isRunning, late }),
      );

test("a starting controller hears an older state of EndpointSlices alone", bounded, () =>
  tell({ way: "assigned", lies: { endpointslices: "older" }, isRunning: false, late: "endpointslices" }),
);

for (const lie of ["nothing", "less"] as const)
  test(`a starting controller hears ${lie} of EndpointSlices, and its watch goes on from that`, bounded, () =>
    tell({
      way: "assigned",
      lies: { endpointslices: lie },
      isRunning: false,
      late: undefined,
      watchesGoOn: true,
    }),
  );

test("whatever the API server leaves out, nothing that served traffic goes while it lies", bounded, () =>
  fc.assert(fc.asyncProperty(stories, tell), {
    numRuns: Number(process.env["WEFT_RUNS"] ?? 8),
    endOnFailure: true,
  }),
);
