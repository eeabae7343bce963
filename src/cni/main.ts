// The executable that a container runtime runs. It hands environment and stdin to the agent and prints the answer. It
// answers by itself only what is not about a pod (VERSION, STATUS), when the agent cannot be reached, and when the
// agent could not understand the question. It starts for every pod, so there is no Node around it, but a small engine
// and the few functions of host.ts; build.sh makes one file of it all.

import { type Answer, codes, failure, isSupported, supportedVersions, versionAnswer } from "./answer.ts";
import { ask } from "./ask.ts";
import { host } from "./host.ts";
import { statusAnswer } from "./status.ts";

const defaultSocket = "/run/weft/cni.sock";

/** Less than the two minutes after which the kubelet gives up on a call of the container runtime. */
const timeoutMs = 110_000;

/** Short, because a kubelet that waits half a minute for its runtime's status calls the node NotReady. */
const statusTimeoutMs = 5000;

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

function answer(): Answer {
  const command = host.variable("CNI_COMMAND");
  const stdin = readStdin();
  if (typeof stdin !== "string") return failure(codes.ioFailure, `cannot read ${stdin.message}`, "");
  const configuration = configurationOf(stdin);
  // Some callers ask for the versions without a configuration.
  if (command === "VERSION") return versionAnswer("exit" in configuration ? "" : configuration.version);
  if ("exit" in configuration) return configuration;
  const { version, socket } = configuration;
  if (command === "") return failure(codes.invalidEnvironment, "CNI_COMMAND is not set", version);
  if (!isSupported(version)) {
    const known = supportedVersions.join(", ");
    return failure(codes.incompatibleVersion, `cniVersion ${version} is not one of ${known}`, version);
  }
  const env = Object.fromEntries(passedOn.map((name) => [name, host.variable(name)]));
  const askAgent = (codeOfSilence: number, limitMs: number): Answer => {
    try {
      return ask(socket, { version: 1, env, stdin }, limitMs);
    } catch (error) {
      const details = error instanceof Error ? error.message : String(error);
      return failure(codeOfSilence, "the Weft agent of this node does not answer", version, details);
    }
  };
  if (command === "STATUS") {
    return statusAnswer(socket, version, () => askAgent(codes.notAvailable, statusTimeoutMs));
  }
  // A DEL must fail too: its port may still exist, and the runtime repeats a call when told to try again.
  return askAgent(codes.tryAgainLater, timeoutMs);
}

function readStdin(): string | Error {
  try {
    return host.input();
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
  const given = "cniVersion" in value ? value.cniVersion : undefined;
  const version = given === undefined || given === null || given === "" ? "0.1.0" : given;
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

const { exit, stdout } = answer();
host.answer(stdout, exit);
