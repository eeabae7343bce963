import assert from "node:assert/strict";
import { test } from "node:test";
import { KubeError } from "../kube/error.ts";
import { Interner } from "../kube/intern.ts";
import { kinds } from "../kube/kinds.ts";
import { Announcement } from "./announcement.ts";

const node =
  kinds.Node.project({ metadata: { name: "n1", uid: "u1", resourceVersion: "1" } }, new Interner()) ??
  assert.fail();

/** What is told of refusals, and what is written, while the server answers in these ways, one after the other. */
async function told(...answers: readonly (KubeError | undefined)[]): Promise<readonly unknown[]> {
  const events: unknown[] = [];
  const stop = new AbortController();
  const left = [...answers];
  const announcement = new Announcement({
    client: {
      patch: (_path, body) => {
        const error = left.shift();
        if (error) return Promise.reject(error);
        events.push(body);
        stop.abort();
        return Promise.resolve({});
      },
    },
    nodes: { get: () => node },
    nodeName: "n1",
    refused: (why) => events.push(why),
    log: () => undefined,
  });
  announcement.set({ "weft.io/what": "this" });
  await announcement.run(stop.signal);
  return events;
}

const failure = (status: number) => new KubeError(`answer ${status}`, { status, reason: "" });
const written = { metadata: { uid: "u1", annotations: { "weft.io/what": "this" } } };

test("what is refused is told once, and written as soon as it is not refused", async () => {
  const refused = [failure(403), failure(403)];
  assert.deepEqual(await told(...refused, undefined), ["answer 403", written, undefined]);
});

test("no answer, and a Node that has changed meanwhile, are no refusal", async () => {
  assert.deepEqual(await told(failure(0), failure(503), failure(409), undefined), [
    ...[undefined, undefined, undefined],
    ...[written, undefined],
  ]);
});
