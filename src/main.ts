// The `weft` command. Each sub-command is one file of cli/, loaded only when it is called, so that the agent carries
// nothing of the controller. `weft sandbox …` never comes here: bin/weft starts the sandbox's own main.

import { Command, CommanderError } from "commander";
import { fail } from "./cli/exit.ts";

const program = new Command("weft")
  .description("OVN networking for Kubernetes")
  .exitOverride()
  .configureHelp({ sortSubcommands: false });

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  status: async () => (await import("./cli/status.ts")).statusCommand(),
  controller: async () => (await import("./cli/controller.ts")).controllerCommand(),
  agent: async () => (await import("./cli/agent.ts")).agentCommand(),
  teardown: async () => (await import("./cli/teardown.ts")).teardownCommand(),
};

try {
  const wanted = commands[process.argv[2] ?? ""];
  for (const load of wanted ? [wanted] : Object.values(commands))
    program.addCommand((await load()).copyInheritedSettings(program));
  program.command("sandbox").description("a whole cluster on this machine: up, down, status, logs, exec");
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else fail(error);
}
