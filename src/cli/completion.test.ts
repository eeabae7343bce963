import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { allCommands } from "./commands.ts";
import { commandTree } from "./commandTree.ts";
import { completionScript } from "./completion.ts";

const tree = commandTree(await allCommands());

/** What bash offers for the last of these words. */
function offered(...words: readonly string[]): readonly string[] {
  const script = `${completionScript("bash", tree)}
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weft; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const printed = execFileSync("bash", ["-c", script, "bash", ...words], { encoding: "utf8" });
  return printed.split("\n").filter((word) => word !== "");
}

test("bash completes commands", () => {
  assert.deepEqual(offered("weft", "s"), ["status", "signer", "sandbox"]);
  assert.ok(offered("weft", "").includes("agent"));
  assert.deepEqual(offered("weft", "--v"), ["--version"]);
  assert.deepEqual(offered("weft", "sandbox", "u"), ["up"]);
});

test("bash completes the options of the command, and not those of others", () => {
  assert.deepEqual(offered("weft", "status", "--pro"), ["--probe"]);
  assert.deepEqual(offered("weft", "agent", "--pro"), []);
});

test("bash completes values that are known, files, and nothing where it knows nothing", () => {
  assert.deepEqual(offered("weft", "controller", "--mode", ""), ["overlay", "underlay"]);
  assert.deepEqual(offered("weft", "status", "-o", "j"), ["json"]);
  assert.deepEqual(offered("weft", "agent", "--log-level", "w"), ["warn"]);
  const here = import.meta.filename;
  assert.deepEqual(offered("weft", "status", "--kubeconfig", here.slice(0, -4)), [here]);
  assert.deepEqual(offered("weft", "status", "--cluster", ""), []);
});

for (const shell of ["zsh", "fish"] as const)
  test(`the script for ${shell} has every command and every option, and is quoted`, () => {
    const script = completionScript(shell, tree);
    for (const { name, options } of tree) {
      assert.ok(script.includes(name), name);
      for (const { long } of options)
        assert.ok(
          script.includes(shell === "fish" ? `-l ${long.slice(2)} ` : `'${long}[`),
          `${name} ${long}`,
        );
    }
    // Both shells read quotes as sh does, as far as these scripts use them.
    const words = script.split("\n").filter((line) => line.startsWith("complete "));
    for (const line of words) execFileSync("bash", ["-n", "-c", line]);
  });
