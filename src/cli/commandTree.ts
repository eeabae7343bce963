// All commands with their options, as data: what completions and the reference of flags are made from.

import type { Command } from "commander";

export interface CommandEntry {
  readonly name: string;
  readonly description: string;
  /** Of a command with sub-commands, those of all of them. */
  readonly options: readonly OptionEntry[];
  /** `node` of `weft check node`; empty for most commands. */
  readonly subcommands: readonly CommandEntry[];
}

export interface OptionEntry {
  /** `-o, --output <format>` */
  readonly flags: string;
  /** `--output` */
  readonly long: string;
  /** `-o` */
  readonly short: string | undefined;
  readonly description: string;
  readonly takesValue: boolean;
  /** The values that it takes, if they are known. */
  readonly choices: readonly string[];
  /** Its value is a path. */
  readonly isPath: boolean;
  /** As a person would write it; undefined when there is none. */
  readonly defaultValue: string | undefined;
  /** The environment variable that replaces it. */
  readonly env: string | undefined;
}

export const commandTree = (commands: readonly Command[]): readonly CommandEntry[] =>
  commands.map((command) => {
    const subcommands = commandTree(command.commands);
    return {
      name: command.name(),
      description: command.description(),
      options: [...optionsOf(command), ...unionOf(subcommands)],
      subcommands,
    };
  });

/** Each option once. */
export const unionOf = (commands: readonly CommandEntry[]): readonly OptionEntry[] => [
  ...new Map(commands.flatMap(({ options }) => options).map((option) => [option.long, option])).values(),
];

const optionsOf = ({ options }: Command): readonly OptionEntry[] =>
  options
    .filter(({ hidden }) => !hidden)
    .map((option) => ({
      flags: option.flags,
      long: option.long ?? "",
      short: option.short,
      description: option.description,
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
      isPath: /<(file|folder|path)>/.test(option.flags),
      defaultValue: defaultText(option.defaultValue, option.defaultValueDescription),
      env: option.envVar,
    }));

function defaultText(value: unknown, description: string | undefined): string | undefined {
  if (description !== undefined) return description;
  if (typeof value === "string" || typeof value === "number") return String(value);
  return Array.isArray(value) ? value.join() : undefined;
}
