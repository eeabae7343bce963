// What the manifests call Weft with: commands and flags that there are, with values that they take.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Command } from "commander";
import * as v from "valibot";
import { parseAllDocuments } from "yaml";
import { allCommands } from "../../src/cli/commands.ts";

const containers = v.optional(
  v.array(v.object({ name: v.string(), args: v.optional(v.array(v.string())) })),
  [],
);
const workloadSchema = v.object({
  metadata: v.object({ name: v.string() }),
  spec: v.object({ template: v.object({ spec: v.object({ containers, initContainers: containers }) }) }),
});

/** container ▶ the arguments of Weft in it */
function callsIn(file: string): ReadonlyMap<string, readonly string[]> {
  const text = readFileSync(join(import.meta.dirname, "../manifests", file), "utf8");
  return new Map(
    parseAllDocuments(text).flatMap((document) => {
      const { success, output } = v.safeParse(workloadSchema, document.toJS());
      if (!success) return [];
      const { containers: main, initContainers } = output.spec.template.spec;
      return [...main, ...initContainers].flatMap(({ name, args }) =>
        args === undefined ? [] : [[`${output.metadata.name}/${name}`, args] as const],
      );
    }),
  );
}

/** The command that `args` begin with, and what comes after it. */
function commandOf(
  commands: readonly Command[],
  [name = "", ...rest]: readonly string[],
): readonly [Command, readonly string[]] {
  const command = commands.find((each) => each.name() === name);
  assert.ok(command, `there is no command ${name}`);
  return command.commands.length > 0 ? commandOf(command.commands, rest) : [command, rest];
}

const expected = {
  "overlay.yaml": [
    ...["weft-central/keeper", "weft-controller/controller", "weft-node/agent", "weft-signer/signer"],
  ],
  "underlay.yaml": ["weft-controller/controller", "weft-node/agent"],
  "resolver.yaml": ["weft-resolver/resolver"],
};

for (const [file, names] of Object.entries(expected))
  test(`${file} calls Weft as it can be called`, async () => {
    const commands = await allCommands();
    const calls = callsIn(file);
    assert.deepEqual([...calls.keys()].toSorted(), names);
    for (const [container, args] of calls) {
      const [command, rest] = commandOf(commands, args);
      command.exitOverride();
      assert.deepEqual(command.parseOptions([...rest]).unknown, [], container);
    }
  });
