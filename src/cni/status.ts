// STATUS, answered from the node's own state. Runtimes ask every few seconds and take an error for a node without a
// network: its pods leave their Services at once and are evicted after five minutes. So the answer is about the pods'
// network and not about the agent, without which pods run on (docs/decisions/0020-status.md).

import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { type Answer, codes, failure } from "./answer.ts";

/** A restart of vswitchd takes less, and a runtime waits longer for an answer. */
const patienceMs = 5000;
const retryMs = 100;

/**
 * Whether pods can run here. `askAgent` is called when this node has not been ready since it started: only the agent
 * knows why.
 */
export async function statusAnswer(
  socket: string,
  version: string,
  askAgent: () => Promise<Answer>,
): Promise<Answer> {
  const runDirectory = ovsRunDirectory(`${socket}.served`);
  if (runDirectory === undefined) return askAgent();
  if (await vswitchdRuns(runDirectory)) return { exit: 0, stdout: "" };
  const message = "ovs-vswitchd does not run, so the pods of this node are cut off";
  const details = `no process listens on the socket that ${runDirectory}/ovs-vswitchd.pid names; start Open vSwitch`;
  return failure(codes.limitedConnectivity, message, version, details);
}

/** From the file that the agent writes once the node is ready; undefined when there is none since the node started. */
function ovsRunDirectory(path: string): string | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value !== "object" || value === null || !("ovsRunDirectory" in value)) return undefined;
    return typeof value.ovsRunDirectory === "string" ? value.ovsRunDirectory : undefined;
  } catch {
    // Absent or damaged: the agent, if it runs, writes it again.
    return undefined;
  }
}

async function vswitchdRuns(runDirectory: string): Promise<boolean> {
  // An agent in a container may have Open vSwitch's folder at another path than the runtime. Then nothing is known.
  if (!existsSync(runDirectory)) return true;
  const deadline = performance.now() + patienceMs;
  while (!(await listens(runDirectory))) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
  return true;
}

function listens(runDirectory: string): Promise<boolean> {
  return new Promise((resolve) => {
    const pid = pidIn(`${runDirectory}/ovs-vswitchd.pid`);
    if (pid === undefined) return resolve(false);
    const connection = connect(`${runDirectory}/ovs-vswitchd.${pid}.ctl`);
    const done = (runs: boolean): void => {
      connection.destroy();
      resolve(runs);
    };
    connection.on("connect", () => done(true));
    connection.on("error", () => done(false));
  });
}

function pidIn(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
