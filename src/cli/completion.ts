// `weft completion SHELL`: a script that completes commands, options and those values that are known. It is made from
// the commands themselves, so it cannot fall behind them.

import { Argument, Command } from "commander";
import { type CommandEntry, commandTree, type OptionEntry, unionOf } from "./commandTree.ts";

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

/** What `weft sandbox` has; its commands are a program of their own. */
const sandboxWords = ["up", "down", "status", "logs", "exec"];

/** `load` resolves with every other command. */
export function completionCommand(load: () => Promise<readonly Command[]>): Command {
  return new Command("completion")
    .description("print a completion script: source <(weft completion bash)")
    .addArgument(new Argument("<shell>", "which shell").choices(shells))
    .action(async (shell: Shell) => {
      console.log(completionScript(shell, commandTree(await load())));
    });
}

export function completionScript(shell: Shell, commands: readonly CommandEntry[]): string {
  const all = [
    ...commands,
    { name: "sandbox", description: "a whole cluster on this machine", options: [], subcommands: [] },
    { name: "completion", description: "print a completion script", options: [], subcommands: [] },
  ];
  return { bash, zsh, fish }[shell](all);
}

/** The words that may follow the command itself. */
const wordsAfter = ({ name, subcommands }: Pick<CommandEntry, "name" | "subcommands">): readonly string[] =>
  name === "sandbox"
    ? sandboxWords
    : name === "completion"
      ? shells
      : subcommands.map((subcommand) => subcommand.name);

const names = ({ long, short }: OptionEntry): readonly string[] =>
  short === undefined ? [long] : [short, long];

function bash(commands: readonly CommandEntry[]): string {
  const options = unionOf(commands);
  const values = options.filter(({ choices }) => choices.length > 0);
  const paths = options.filter(({ isPath }) => isPath).flatMap(names);
  const others = options
    .filter(({ takesValue, isPath, choices }) => takesValue && !isPath && choices.length === 0)
    .flatMap(names);
  return `# bash completion for weft; load it by: source <(weft completion bash)
_weft() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words=
  if [ "$COMP_CWORD" -gt 1 ]; then
    case $previous in
${values.map((option) => `      ${names(option).join("|")}) COMPREPLY=($(compgen -W "${option.choices.join(" ")}" -- "$current")); return ;;`).join("\n")}
      ${paths.join("|")}) COMPREPLY=($(compgen -f -- "$current")); return ;;
      ${others.join("|")}) return ;;
    esac
    case \${COMP_WORDS[1]} in
${commands.map((command) => `      ${command.name}) words="${[...wordsAfter(command), ...command.options.map(({ long }) => long), "--help"].join(" ")}" ;;`).join("\n")}
    esac
  else
    words="${[...commands.map(({ name }) => name), "--help", "--version"].join(" ")}"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _weft weft`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function zsh(commands: readonly CommandEntry[]): string {
  const plain = (text: string): string => text.replaceAll(/[[\]:\\]/g, (sign) => `\\${sign}`);
  const argument = (option: OptionEntry): readonly string[] => {
    const { takesValue, choices, isPath, description } = option;
    const action = choices.length > 0 ? `(${choices.join(" ")})` : isPath ? "_files" : "";
    return names(option).map((name) =>
      quoted(`${name}[${plain(description)}]${takesValue ? `:value:${action}` : ""}`),
    );
  };
  const words = (command: CommandEntry): readonly string[] =>
    wordsAfter(command).length > 0 ? [quoted(`1:word:(${wordsAfter(command).join(" ")})`)] : [];
  return `#compdef weft
# zsh completion for weft; load it by: source <(weft completion zsh)
_weft() {
  local -a commands=(
${commands.map(({ name, description }) => `    ${quoted(`${name}:${plain(description)}`)}`).join("\n")}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  shift words; (( CURRENT-- ))
  case $words[1] in
${commands.map((command) => `    ${command.name}) _arguments ${[...words(command), ...command.options.flatMap(argument), quoted("--help[help]")].join(" ")} ;;`).join("\n")}
  esac
}
compdef _weft weft`;
}

function fish(commands: readonly CommandEntry[]): string {
  const lines = commands.flatMap(({ name, description, options, subcommands }) => [
    `complete -c weft -n __fish_use_subcommand -f -a ${name} -d ${quoted(description)}`,
    ...(wordsAfter({ name, subcommands }).length > 0
      ? [
          `complete -c weft -n '__fish_seen_subcommand_from ${name}' -f -a ${quoted(wordsAfter({ name, subcommands }).join(" "))}`,
        ]
      : []),
    ...options.map(({ long, short, description: what, takesValue, choices, isPath }) =>
      [
        `complete -c weft -n '__fish_seen_subcommand_from ${name}'`,
        `-l ${long.slice(2)}`,
        ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
        ...(takesValue ? ["-r"] : []),
        ...(choices.length > 0 ? [`-a ${quoted(choices.join(" "))}`] : []),
        ...(isPath ? ["-F"] : ["-f"]),
        `-d ${quoted(what)}`,
      ].join(" "),
    ),
  ]);
  return ["# fish completion for weft; load it by: weft completion fish | source", ...lines].join("\n");
}
