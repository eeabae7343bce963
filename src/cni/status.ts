// STATUS, answered from the node's own state. Runtimes ask every few seconds and take an error for a node without a
// network: its pods leave their Services at once and are evicted after five minutes. So the answer is about the pods'
// network and not about the agent, without which pods run on (docs/decisions/0020-status.md).

import { type Answer, codes, failure } from "./answer.ts";
import { host } from "./host.ts";

/** A restart of vswitchd takes less, and a runtime waits longer for an answer. */
const patienceMs = 5000;
const retryMs = 100;

/**
 * Whether pods can run here. `askAgent` is called when this node has not been ready since it started: only the agent
 * knows why.
 */
export function statusAnswer(socket: string, version: string, askAgent: () => Answer): Answer {
  const runDirectory = ovsRunDirectory(`${socket}.served`);
  if (runDirectory === undefined) return askAgent();
  if (vswitchdRuns(runDirectory)) return { exit: 0, stdout: "" };
  const message = "ovs-vswitchd is not running, so the pods of this node are cut off";
  const details = `no process listens on the socket that ${runDirectory}/ovs-vswitchd.pid names; start Open vSwitch`;
  return failure(codes.limitedConnectivity, message, version, details);
}

/**
 * From the file that the agent writes once the node is ready; undefined when there is none since the node started, or
 * when it is damaged, as the agent writes it again.
 */
function ovsRunDirectory(path: string): string | undefined {
  const value = parsed(host.file(path) ?? "");
  if (typeof value !== "object" || value === null || !("ovsRunDirectory" in value)) return undefined;
  return typeof value.ovsRunDirectory === "string" ? value.ovsRunDirectory : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function vswitchdRuns(runDirectory: string): boolean {
  // An agent in a container may have Open vSwitch's folder at another path than the runtime. Then nothing is known.
  if (!host.exists(runDirectory)) return true;
  for (let waitedMs = 0; !listens(runDirectory); waitedMs += retryMs) {
    if (waitedMs >= patienceMs) return false;
    host.pause(retryMs);
  }
  return true;
}

function listens(runDirectory: string): boolean {
  const pid = host.file(`${runDirectory}/ovs-vswitchd.pid`)?.trim();
  return pid !== undefined && host.listens(`${runDirectory}/ovs-vswitchd.${pid}.ctl`);
}
