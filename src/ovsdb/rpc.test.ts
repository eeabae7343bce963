import assert from "node:assert/strict";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { isOvsdbError, OvsdbError } from "./errors.ts";
import { Rpc } from "./rpc.ts";

/** A client and the server's end of its stream. */
function pair(): {
  rpc: Rpc;
  send: (text: string) => void;
  sent: () => unknown[];
  notifications: unknown[];
  reasons: OvsdbError[];
} {
  const [near, far] = duplexPair();
  let text = "";
  far.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  const notifications: unknown[] = [];
  const reasons: OvsdbError[] = [];
  const rpc = new Rpc(near, {
    peer: "unix:/peer",
    received: () => {},
    notification: (method, params) => notifications.push([method, params]),
    closed: (reason) => reasons.push(reason),
  });
  return {
    rpc,
    send: (message) => far.write(message),
    sent: () =>
      text
        .replaceAll("}{", "}\n{")
        .split("\n")
        .map((message): unknown => JSON.parse(message)),
    notifications,
    reasons,
  };
}

test("replies find their requests in whatever order they come", async () => {
  const { rpc, send, sent } = pair();
  const first = rpc.request("a", []);
  const second = rpc.request("b", ["x"]);
  await turn();
  assert.deepEqual(sent(), [
    { id: 1, method: "a", params: [] },
    { id: 2, method: "b", params: ["x"] },
  ]);
  send('{"id":2,"result":"two","error":null}{"id":1,"result":"one","error":null}');
  assert.deepEqual(await Promise.all([first, second]), ["one", "two"]);
});

test("the peer's echo is answered, another request of its is refused", async () => {
  const { send, sent } = pair();
  send('{"id":"e","method":"echo","params":[1]}{"id":"s","method":"steal","params":[]}');
  await turn();
  await turn();
  assert.deepEqual(sent(), [
    { id: "e", result: [1], error: null },
    { id: "s", result: null, error: { error: "unknown method" } },
  ]);
});

test("an error in a reply rejects its request alone", async () => {
  const { rpc, send } = pair();
  const request = rpc.request("monitor_cond_since", []);
  send('{"id":1,"result":null,"error":{"error":"unknown method","details":"sorry"}}');
  await assert.rejects(request, {
    code: "unknown method",
    message: "monitor_cond_since: unknown method: sorry",
  });
  const next = rpc.request("echo", []);
  send('{"id":2,"result":[],"error":null}');
  assert.deepEqual(await next, []);
});

test("notifications reach their handler", async () => {
  const { send, notifications } = pair();
  send('{"id":null,"method":"update3","params":["1","t",{}]}');
  await turn();
  assert.deepEqual(notifications, [["update3", ["1", "t", {}]]]);
});

test("when the connection ends, open requests have an unknown outcome and later ones were not sent", async () => {
  const { rpc, reasons } = pair();
  const request = rpc.request("transact", []);
  rpc.close(new OvsdbError("connection lost", "gone"));
  rpc.close(new OvsdbError("connection lost", "a second time"));
  await assert.rejects(request, (error) => isOvsdbError(error, "connection lost") && error.outcomeUnknown);
  await assert.rejects(rpc.request("transact", []), (error) => isOvsdbError(error) && !error.outcomeUnknown);
  assert.deepEqual(
    reasons.map(({ message }) => message),
    ["gone"],
  );
});

test("whatever a hostile peer sends ends at most the connection, with a protocol error", async () => {
  const member = fc.constantFrom("id", "method", "params", "result", "error");
  const garbage = fc.oneof(
    fc.string(),
    fc.dictionary(member, fc.jsonValue()).map((value) => JSON.stringify(value)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(garbage), async (messages) => {
      const { rpc, send, reasons } = pair();
      const request = rpc.request("transact", []).catch((error: unknown) => assert(isOvsdbError(error)));
      for (const message of messages) send(message);
      await turn();
      await turn();
      for (const { code } of reasons) assert.equal(code, "protocol error");
      rpc.close(new OvsdbError("closed", "test over"));
      await request;
    }),
  );
});

test("a string that would end the connection is refused, however it is asked", async () => {
  const { rpc, sent } = pair();
  for (const text of ["a\0b", "\ud800", "\\\0"])
    await assert.rejects(rpc.request("get_schema", [text]), { code: "invalid value" });
  void rpc.request("get_schema", ["\\u0000"]);
  await turn();
  assert.equal(sent().length, 1);
});
