// What `make test-kernel` runs inside the virtual machine, in this order: each part is a command that passes or fails.

export interface Part {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** By the clock of the virtual machine. */
  readonly limitSeconds: number;
}

const file = (path: string, network?: string): Part => ({
  name: network === undefined ? path : `${path} ${network}`,
  argv: [
    ...["node", "--test", "--test-isolation=none", "--test-force-exit"],
    ...["--test-reporter=./test/reporter.ts", `test/${path}.test.ts`],
  ],
  ...(network !== undefined && { env: { WEFT_NETWORK: network } }),
  limitSeconds: 1200,
});

const demo = (name: string, ...flags: readonly string[]): Part => ({
  name,
  argv: [
    "sh",
    "-c",
    `node sandbox/demo/main.ts ${flags.join(" ")}; status=$?; bin/weft sandbox down; exit $status`,
  ],
  limitSeconds: 600,
});

export const parts: readonly Part[] = [
  file("sandbox/fabric"),
  file("kernel/datapath"),
  demo("demo"),
  demo("demo-underlay", "--underlay"),
  file("sandbox/paths"),
  file("sandbox/paths", "underlay"),
  file("sandbox/services"),
  file("sandbox/services", "underlay"),
  file("sandbox/faultVswitchd"),
  file("sandbox/faultRestart"),
  file("sandbox/faultSwitchDatabase"),
  file("sandbox/cni"),
  file("sandbox/addresses"),
  file("sandbox/operations"),
  file("sandbox/underlayNode"),
];

/** The parts whose names contain one of `words`; all without any. */
export function chosenParts(words: readonly string[]): readonly Part[] {
  const chosen = parts.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  if (chosen.length === 0)
    throw new Error(
      `ONLY=${words.join()}: no part of that name; there are: ${parts.map(({ name }) => name).join(", ")}`,
    );
  return chosen;
}
