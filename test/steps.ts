// What test/run.ts runs: the static checks, the unit tests, and each contract and sandbox file, some of them several times.
//
// Two versions of OVN are under test. Everything runs on the newer one (25.03 with Open vSwitch 3.5). Where the
// machine's own is older (23.03 with 3.1), whatever could differ there runs on it too: how ovsdb-server talks, how
// northd and ovn-controller read the rows that Weft writes, how vswitchd reacts to what the agent does. `WEFT_OVN`
// (`make test OVN=…`) chooses a single version.

import { globSync } from "node:fs";
import { basename } from "node:path";
import { isAtLeast, machineVersion, newer } from "../sandbox/ovn/choice.ts";

export type Stage = "static" | "unit" | "contract" | "sandbox";

export interface Step {
  readonly stage: Stage;
  readonly name: string;
  readonly argv: readonly string[];
  /** Node test files report counts; any other command counts as one test. */
  readonly counted: boolean;
  readonly limitSeconds: number;
  /** What may run beside it: the steps of the other lanes, or nothing. What works little runs beside all lanes. */
  readonly beside: "lanes" | "all lanes" | "nothing";
  readonly env?: Readonly<Record<string, string>>;
}

const sources = ["src", "sandbox", "test", "bench", "lint", "deploy", "oxlint.config.ts"];

/** Sandbox files that also run in other networks: see Cluster.up. */
const otherNetworks: ReadonlyMap<string, readonly string[]> = new Map([
  ["paths", ["underlay", "local"]],
  ["services", ["underlay"]],
  ["distribution", ["underlay"]],
  ["cni", ["pooled", "underlay"]],
  ["policyBirths", ["pooled", "underlay"]],
  ["policyNodes", ["pooled"]],
  ["securityProfiles", ["underlay"]],
  ["domainNames", ["underlay"]],
]);

/**
 * Contract files that start something of OVN, except those about Weft's own code: its agent's faults, a hostile server,
 * a tarball.
 */
const contractOnOwn =
  /^(agent|commandsTls|engine|ovsdb(?!Garbage|Package)|plan|pool(?!Faults)|statusLeader|teardown|term)/;
/**
 * Among the sandbox files: packets between all places, the life of a port, restarts of OVN's processes under load. Services
 * would take two minutes more: `make test OVN=host`.
 */
const sandboxOnOwn: ReadonlySet<string> = new Set(["paths", "cni", "faultRestart", "faultSwitchDatabase"]);

/** Sandbox files that measure how long a stream stands still, or let packets queue while something restarts. */
const needsTheMachine: ReadonlySet<string> = new Set(["faultSwitchDatabase", "faultVswitchd"]);

/** Contract files that need a tenth of a processor: they wait for elections. */
const onlyWaits: ReadonlySet<string> = new Set(["centralRaft"]);

/** What takes more than a minute, longest first. It begins first, so that no lane works on it when the others are done. */
const long: readonly string[] = [
  "operations",
  "services",
  "agentWiring",
  "outerAddresses",
  "agent",
  "policyBirths",
  "policies",
  "guardLies",
  "clusterPolicies",
  "domainNames",
  "securityProfiles",
  "underlayNode",
  "poolFaults",
  "underlayAlone",
  "faultClock",
  "floating",
  "localGateway",
];

export function* steps(): Generator<Step> {
  const check = (name: string, ...argv: readonly string[]): Step => ({
    stage: "static",
    name,
    argv,
    counted: false,
    limitSeconds: 120,
    beside: "nothing",
  });
  yield check("format", "biome", "check", "--error-on-warnings", ".");
  yield check("lint", "oxlint", "--type-aware", "--deny-warnings", ...sources);
  yield check("types", "tsc", "-p", ".");
  yield tests(
    "unit",
    "all",
    find(
      "src/**/*.test.ts",
      "lint/*.test.ts",
      "deploy/**/*.test.ts",
      "sandbox/**/*.test.ts",
      "bench/*.test.ts",
      "test/golden/*.test.ts",
      "test/kernel/{image,report}.test.ts",
      "test/soak/*.test.ts",
      "test/kubernetes/**/*.test.ts",
    ),
    300,
  );
  const own = process.env["WEFT_OVN"] ? undefined : olderMachineVersion();
  const onOwn = (step: Step): Step => ({
    ...step,
    name: `${step.name} on the machine's Open vSwitch ${own}`,
    env: { WEFT_OVN: "host" },
  });
  for (const file of find("test/contract/*.test.ts")) {
    const name = basename(file, ".test.ts");
    const beside = onlyWaits.has(name) ? "all lanes" : "lanes";
    const step: Step = { ...tests("contract", file, [file], 600), beside };
    yield step;
    if (own !== undefined && contractOnOwn.test(name)) yield onOwn(step);
  }
  for (const file of find("test/sandbox/*.test.ts")) {
    const name = basename(file, ".test.ts");
    const beside = needsTheMachine.has(name) ? "nothing" : "lanes";
    const step: Step = { ...tests("sandbox", file, [file], 600), beside };
    yield step;
    if (own !== undefined && sandboxOnOwn.has(name)) yield onOwn(step);
    // What people expect of pods, Services and the CNI holds in every network.
    for (const network of otherNetworks.get(name) ?? [])
      yield { ...step, name: `${file} ${network}`, env: { WEFT_NETWORK: network } };
  }
}

/** The version of the machine's own Open vSwitch, if `make setup` has installed a newer one. */
function olderMachineVersion(): string | undefined {
  const version = machineVersion();
  return version !== undefined && isAtLeast(version, newer.openVSwitch) ? undefined : version;
}

function tests(stage: Step["stage"], name: string, files: readonly string[], limitSeconds: number): Step {
  const argv = [
    "node",
    "--test",
    "--test-isolation=none",
    "--test-force-exit",
    "--test-reporter=./test/reporter.ts",
    ...files,
  ];
  return { stage, name, argv, counted: true, limitSeconds, beside: "lanes" };
}

function find(...globs: readonly string[]): string[] {
  return globs.flatMap((glob) => globSync(glob).sort());
}

export function longestFirst(steps: readonly Step[]): Step[] {
  const place = (step: Step): number => {
    const found = long.findIndex((name) => step.name.includes(`/${name}.test.ts`));
    return found < 0 ? long.length : found;
  };
  return steps.toSorted((a, b) => place(a) - place(b));
}
