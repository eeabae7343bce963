// The executable that a container runtime runs. It decides nothing: it hands environment and stdin to the agent and
// prints the answer. It answers by itself only when the agent is not needed (VERSION), cannot be reached, or could
// not understand the question. It starts for every pod, so it imports nothing but net and fs; build.sh makes one file
// of it.

import { readFileSync, writeSync } from "node:fs";
import { type Answer, codes, failure, isSupported, supportedVersions, versionAnswer } from "./answer.ts";
import { ask } from "./ask.ts";

const defaultSocket = "/run/weft/cni.sock";

/** Less than the two minutes after which the kubelet gives up on a call of the container runtime. */
const timeoutMs = 110_000;

const passedOn = [
  "CNI_COMMAND",
  "CNI_CONTAINERID",
  "CNI_NETNS",
  "CNI_IFNAME",
  "CNI_ARGS",
  "CNI_PATH",
] as const;

interface Configuration {
  /** The specification says that a configuration without a version is 0.1.0. */
  readonly version: string;
  readonly socket: string;
}

async function answer(): Promise<Answer> {
  const command = process.env["CNI_COMMAND"] ?? "";
  const stdin = readStdin();
  if (typeof stdin !== "string") return failure(codes.ioFailure, `cannot read stdin: ${stdin.message}`, "");
  const configuration = configurationOf(stdin);
  if ("exit" in configuration) return configuration;
  const { version, socket } = configuration;
  if (command === "VERSION") return versionAnswer(version);
  if (command === "") return failure(codes.invalidEnvironment, "CNI_COMMAND is not set", version);
  if (!isSupported(version)) {
    const known = supportedVersions.join(", ");
    return failure(codes.incompatibleVersion, `cniVersion ${version} is not one of ${known}`, version);
  }
  const env = Object.fromEntries(passedOn.map((name) => [name, process.env[name] ?? ""]));
  try {
    return await ask(socket, { version: 1, env, stdin }, timeoutMs);
  } catch (error) {
    // A DEL must fail too: its port may still exist, and the runtime repeats a call when told to try again.
    const code = command === "STATUS" ? codes.notAvailable : codes.tryAgainLater;
    const details = error instanceof Error ? error.message : String(error);
    return failure(code, "the Weft agent of this node does not answer", version, details);
  }
}

function readStdin(): string | Error {
  try {
    return readFileSync(0, "utf8");
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function configurationOf(stdin: string): Configuration | Answer {
  const value = parse(stdin);
  if (value instanceof SyntaxError) {
    return failure(codes.decodingFailure, `the network configuration is not JSON: ${value.message}`, "");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return failure(codes.decodingFailure, "the network configuration is not a JSON object", "");
  }
  const version = "cniVersion" in value ? value.cniVersion : "0.1.0";
  const socket = "socket" in value ? value.socket : defaultSocket;
  if (typeof version !== "string") return failure(codes.decodingFailure, "cniVersion is not a string", "");
  if (typeof socket !== "string" || !socket.startsWith("/")) {
    return failure(codes.invalidConfiguration, "socket is not an absolute path", version);
  }
  return { version, socket };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error instanceof SyntaxError ? error : new SyntaxError(String(error));
  }
}

function print({ exit, stdout }: Answer): void {
  writeSync(1, stdout);
  process.exitCode = exit;
}

// Not a top-level await: the bytecode is made from a CommonJS module, which has none.
void answer().then(print);
