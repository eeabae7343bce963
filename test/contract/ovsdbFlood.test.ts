// Servers that send more than a client's memory should hold, in each way that remains possible: the session abandons
// such a server with a protocol error, or takes everything without keeping it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { type AnyReplica, Session } from "../../src/ovsdb/index.ts";
import { rowUuid, transactionId } from "../real/honestAnswer.ts";
import { type Asked, type Peer, startScriptedServer } from "../real/scriptedServer.ts";
import { until } from "../real/until.ts";

const timeout = { timeout: 60_000 };
const mebibyte = 1024 ** 2;
/** The memory that one server may cost, above the initial use. */
const boundMebibytes = 384;

interface Flooded {
  readonly session: Session;
  readonly replica: AnyReplica;
  /** How much the server has sent. */
  readonly sentMebibytes: () => number;
  /** The maximum growth of the resident set. */
  readonly peakMebibytes: () => number;
}

/** A session with a replica, on a server that floods it. It ends with `body`. */
async function flooded(
  script: (request: Asked, peer: Peer) => void,
  body: (flooded: Flooded) => Promise<void>,
): Promise<void> {
  await using server = await startScriptedServer(script);
  await using session = new Session({ remotes: [server.remote], database: "OVN_Northbound" });
  const replica = session.replica(northbound, { Address_Set: { columns: ["name", "addresses"] } });
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 5);
  session.start();
  try {
    await body({
      session,
      replica,
      sentMebibytes: () => server.flooded / mebibyte,
      peakMebibytes: () => (peak - before) / mebibyte,
    });
  } finally {
    clearInterval(watch);
  }
}

async function refused(
  { session, sentMebibytes, peakMebibytes }: Flooded,
  message: RegExp,
  most: number,
): Promise<void> {
  await until("the server is given up", () => session.lastError !== undefined);
  assert(session.lastError);
  assert.equal(session.lastError.code, "protocol error");
  assert.match(session.lastError.message, message);
  assert(sentMebibytes() < most, `${sentMebibytes()} MiB were sent`);
  assert(peakMebibytes() < boundMebibytes, `memory grew by ${peakMebibytes()} MiB`);
}

const asksRows = ({ method, params }: Asked): boolean =>
  method === "monitor_cond_since" && params[0] === "OVN_Northbound";

const update = (name: string): string =>
  JSON.stringify({
    id: null,
    method: "update3",
    params: ["1", transactionId, { Address_Set: { [rowUuid]: { modify: { name } } } }],
  });

test("a server that asks and does not read the answers is abandoned", timeout, async () => {
  const question = JSON.stringify({ id: "x", method: "echo", params: ["y".repeat(60_000)] });
  await flooded(
    (request, { answer, stopReading, flood }) => {
      answer(request);
      if (!asksRows(request)) return;
      stopReading();
      void flood(() => question);
    },
    (client) => refused(client, /asks without reading/, 64),
  );
});

test("a server that sends updates and never the reply before them is abandoned", timeout, async () => {
  const large = update("x".repeat(mebibyte));
  await flooded(
    (request, { answer, flood }) => {
      if (asksRows(request)) void flood(() => large);
      else answer(request);
    },
    (client) => refused(client, /updates of a monitor before its reply/, 16),
  );
});

test("an endless row is refused while it arrives", timeout, async () => {
  const more = "x".repeat(64 * 1024);
  await flooded(
    (request, { answer, flood }) => {
      if (!asksRows(request)) return answer(request);
      let text = `{"id":${String(request.id)},"result":[false,"",{"Address_Set":{"${rowUuid}":{"insert":{"name":"`;
      void flood(() => {
        const now = text;
        text = more;
        return now;
      });
    },
    (client) => refused(client, /more than \d+ bytes/, 64),
  );
});

test("a row that changes without pause costs no more than one that changes once", timeout, async () => {
  const count = 50_000;
  const padding = "x".repeat(1000);
  await flooded(
    (request, { answer, flood }) => {
      answer(request);
      if (!asksRows(request)) return;
      let index = 0;
      void flood(() => (index++ < count ? update(`${index} ${padding}`) : undefined));
    },
    async ({ session, replica, sentMebibytes, peakMebibytes }) => {
      const last = `${count} ${padding}`;
      const name = (): unknown => replica.table("Address_Set").get(rowUuid)?.name;
      await until("the last change is there", () => name() === last);
      assert(sentMebibytes() > 45);
      assert.equal(session.lastError, undefined);
      assert(peakMebibytes() < boundMebibytes, `memory grew by ${peakMebibytes()} MiB`);
    },
  );
});
