import assert from "node:assert/strict";
import { test } from "node:test";
import { KubeError } from "../../kube/error.ts";
import { Interner } from "../../kube/intern.ts";
import { kinds } from "../../kube/kinds.ts";
import { keepHeartbeat } from "./heartbeat.ts";

const node = kinds.Node.project({ metadata: { name: "n1", uid: "u", resourceVersion: "1" } }, new Interner());

/** What is logged when each renewal in turn ends like this; a status of 0 is a success. */
async function logged(...statuses: readonly number[]): Promise<readonly string[]> {
  const ending = new AbortController();
  const lines: string[] = [];
  const left = [...statuses];
  const answer = async (): Promise<unknown> => {
    const status = left.shift() ?? 0;
    if (left.length === 0) ending.abort();
    if (status === 0) return undefined;
    throw new KubeError("refused", { status, reason: "" });
  };
  const options = { namespace: "kube-system", cluster: "demo", node: () => node, everyMs: 1 };
  const log = (_: string, line: string): void => void lines.push(line);
  await keepHeartbeat({ ...options, client: { patch: answer, create: answer }, log }, ending.signal);
  return lines;
}

test("an agent that may not write its Lease says so once, and what to do", async () => {
  const [line = "", ...more] = await logged(403, 403, 403, 0);
  assert.match(line, /^may not write this agent's Lease, .*nobody will notice .*as the Helm chart does/);
  assert.deepEqual(more, []);
});

test("an agent that cannot renew its Lease says so each time that begins", async () => {
  const lines = await logged(500, 0, 500, 500, 0);
  assert.deepEqual(
    lines,
    Array(2).fill("cannot renew this agent's Lease; the controller will take the agent for dead"),
  );
});
