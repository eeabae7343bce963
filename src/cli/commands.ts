// The sub-commands, each loaded only when it is called, so that the agent carries nothing of the controller.

import type { Command } from "commander";

export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  status: async () => (await import("./status.ts")).statusCommand(),
  check: async () => (await import("./check.ts")).checkCommand(),
  node: async () => (await import("./node.ts")).nodeCommand(),
  controller: async () => (await import("./controller.ts")).controllerCommand(),
  agent: async () => (await import("./agent.ts")).agentCommand(),
  logs: async () => (await import("./logs.ts")).logsCommand(),
  central: async () => (await import("./central.ts")).centralCommand(),
  signer: async () => (await import("./signer.ts")).signerCommand(),
  resolver: async () => (await import("./resolver.ts")).resolverCommand(),
  backup: async () => (await import("./backup.ts")).backupCommand(),
  restore: async () => (await import("./backup.ts")).restoreCommand(),
  teardown: async () => (await import("./teardown.ts")).teardownCommand(),
};

export const allCommands = (): Promise<readonly Command[]> =>
  Promise.all(Object.values(commands).map((load) => load()));
