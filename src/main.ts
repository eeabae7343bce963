// The `weft` command. Each sub-command is one file of cli/. `weft sandbox …` never comes here: bin/weft starts the
// sandbox's own main.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { allCommands, commands } from "./cli/commands.ts";
import { fail } from "./cli/exit.ts";

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));

const program = new Command("weft")
  .description("OVN networking for Kubernetes")
  .version(String(version), "-V, --version", "print the version")
  .exitOverride()
  .configureHelp({ sortSubcommands: false });

const completion = async (): Promise<Command> =>
  (await import("./cli/completion.ts")).completionCommand(allCommands);

try {
  const loaders = { ...commands, completion };
  const wanted = Object.entries(loaders).find(([name]) => name === process.argv[2])?.[1];
  for (const load of wanted ? [wanted] : Object.values(loaders))
    program.addCommand((await load()).copyInheritedSettings(program));
  program.command("sandbox").description("a whole cluster on this machine: up, down, status, logs, exec");
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else fail(error);
}
