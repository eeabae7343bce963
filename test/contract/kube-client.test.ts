// The client over real TLS: whom it trusts, how it identifies itself, and how it interprets each kind of answer.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { TLSSocket } from "node:tls";
import { inspect } from "node:util";
import { KubeClient } from "../../src/kube/client.ts";
import { KubeConfigError, tokenFrom } from "../../src/kube/config.ts";
import { isAlreadyExists, isConflict, isNotFound, KubeError } from "../../src/kube/error.ts";
import { kinds, type ObjectRef } from "../../src/kube/kinds.ts";

import { pathOf } from "../../src/kube/resource.ts";
import { annotate, setCondition } from "../../src/kube/write.ts";
import { type Answer, json, type Scripted, scripted, status, until } from "./kubeScript.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-kube-client-"));
after(() => rmSync(folder, { recursive: true }));
const tls = certificate("server", "subjectAltName=IP:127.0.0.1");
const web1: ObjectRef = { kind: "Pod", namespace: "shop", name: "web-1", uid: "u1" };
const web1Path = pathOf(kinds.Pod, "shop", "web-1");

/** A certificate that vouches for itself. */
function certificate(name: string, extension: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"].concat([
      "-subj",
      `/CN=${name}`,
      "-addext",
      extension,
      "-keyout",
      key,
      "-out",
      cert,
    ]),
    { stdio: "ignore" },
  );
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

const clientOf = (server: Scripted): KubeClient =>
  new KubeClient({ server: server.url, namespace: "default" });

async function failureOf(promise: Promise<unknown>): Promise<KubeError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof KubeError, inspect(error));
  return error;
}

test("a server is trusted for the configured authority only, unless verification is off", async () => {
  await using server = await scripted([json({})], tls);
  using trusting = new KubeClient({ server: server.url, ca: tls.cert, namespace: "default" });
  assert.deepEqual(await trusting.get("/version"), {});
  using wary = new KubeClient({ server: server.url, namespace: "default" });
  const error = await failureOf(wary.get("/version"));
  assert.match(error.message, /^GET \/version: .*certificate/);
  using careless = new KubeClient({ server: server.url, insecure: true, namespace: "default" });
  assert.deepEqual(await careless.get("/version"), {});
});

test("a client certificate is shown", async () => {
  const client = certificate("client", "extendedKeyUsage=clientAuth");
  const asking = { ...tls, ca: client.cert, requestCert: true, rejectUnauthorized: true };
  await using server = await scripted([json({})], asking);
  const config = { server: server.url, ca: tls.cert, namespace: "default" };
  using known = new KubeClient({ ...config, clientCert: client.cert, clientKey: client.key });
  assert.deepEqual(await known.get("/version"), {});
  using unknown = new KubeClient(config);
  assert.equal((await failureOf(unknown.get("/version"))).status, 0);
});

test("a certificate that was replaced is shown once the server no longer accepts the old one", async () => {
  const [old, now] = [
    certificate("old", "keyUsage=digitalSignature"),
    certificate("now", "keyUsage=digitalSignature"),
  ];
  let current = old;
  const shown: (string | undefined)[] = [];
  const answer: Answer = (response, seen) => {
    const socket = response.socket;
    const name = socket instanceof TLSSocket ? socket.getPeerCertificate().subject?.CN : undefined;
    shown.push(String(name));
    (name === "now" ? json({}) : status(401, "Unauthorized"))(response, seen);
  };
  await using server = await scripted([answer], { ...tls, requestCert: true, rejectUnauthorized: false });
  using client = await KubeClient.reading(async () => ({
    server: server.url,
    ca: tls.cert,
    clientCert: current.cert,
    clientKey: current.key,
    namespace: "default",
  }));
  current = now;
  await assert.rejects(client.get("/version"), /Unauthorized/);
  assert.deepEqual(await client.get("/version"), {});
  assert.deepEqual(shown, ["old", "now"]);
});

test("a configuration that cannot be read for a moment leaves the old one in use", async () => {
  let isBroken = false;
  await using server = await scripted([json({}), status(401, "Unauthorized"), json({})]);
  using client = await KubeClient.reading(async () => {
    if (isBroken) throw new Error("half written");
    return { server: server.url, namespace: "default" };
  });
  isBroken = true;
  await client.get("/version");
  await assert.rejects(client.get("/version"), /Unauthorized/);
  assert.deepEqual(await client.get("/version"), {});
});

test("a token is read anew for each request, over one connection, and shows in no error", async () => {
  await using server = await scripted([json({}), status(403, "Forbidden")], tls);
  const path = join(folder, "token");
  const config = { server: server.url, ca: tls.cert, token: tokenFrom(path), namespace: "default" };
  using client = new KubeClient(config);
  writeFileSync(path, "first-secret\n");
  await client.get("/api/v1/nodes/n1");
  writeFileSync(path, "second-secret\n");
  const error = await failureOf(client.get("/api/v1/nodes/n1"));
  assert.deepEqual(
    server.seen.map((seen) => seen.headers.authorization),
    ["Bearer first-secret", "Bearer second-secret"],
  );
  assert.equal(server.counts.connections, 1);
  assert.equal(error.message, "GET /api/v1/nodes/n1: 403 Forbidden: Forbidden it is");
  assert.ok(!inspect(error, { depth: 10 }).includes("secret"));
  assert.equal(error.retryable, false);
});

test("a token is never sent over plain http", () => {
  const token = (): Promise<string> => Promise.resolve("secret");
  assert.throws(() => new KubeClient({ server: "http://api", token, namespace: "default" }), KubeConfigError);
  assert.throws(
    () => new KubeClient({ server: "api:6443", namespace: "default" }),
    /is not an https:\/\/ URL/,
  );
});

test("each verb has its method, its content type and its body", async () => {
  await using server = await scripted([json({})]);
  using client = clientOf(server);
  await client.create(pathOf(kinds.Pod, "shop"), { kind: "Pod" });
  await client.update(web1Path, { kind: "Pod" });
  await client.patch(web1Path, { metadata: {} });
  await client.patch(`${web1Path}/status`, { status: {} }, { type: "strategic" });
  await client.patch(web1Path, [{ op: "remove", path: "/spec" }], { type: "json" });
  await client.delete(web1Path, { uid: "u1", gracePeriodSeconds: 0 });
  const requests = server.seen.map((seen) => [
    seen.method,
    seen.path,
    seen.headers["content-type"],
    seen.body,
  ]);
  const pods = "/api/v1/namespaces/shop/pods";
  assert.deepEqual(requests, [
    ["POST", pods, "application/json", '{"kind":"Pod"}'],
    ["PUT", web1Path, "application/json", '{"kind":"Pod"}'],
    ["PATCH", `${pods}/web-1`, "application/merge-patch+json", '{"metadata":{}}'],
    ["PATCH", `${pods}/web-1/status`, "application/strategic-merge-patch+json", '{"status":{}}'],
    ["PATCH", web1Path, "application/json-patch+json", '[{"op":"remove","path":"/spec"}]'],
    [
      "DELETE",
      web1Path,
      "application/json",
      '{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"u1"},"gracePeriodSeconds":0}',
    ],
  ]);
});

test("annotations and conditions are written for one uid only", async () => {
  await using server = await scripted([json({})]);
  using client = clientOf(server);
  await annotate(client, web1, { "k8s.ovn.org/pod-networks": "{}", old: null });
  const condition = {
    type: "NetworkUnavailable",
    status: "False",
    reason: "WeftReady",
    message: "",
  } as const;
  const n1: ObjectRef = { kind: "Node", namespace: "", name: "n1", uid: "u2" };
  await setCondition(client, n1, condition, new Date("2026-01-02T03:04:05.678Z"));
  assert.deepEqual(JSON.parse(server.seen[0]?.body ?? ""), {
    metadata: { uid: "u1", annotations: { "k8s.ovn.org/pod-networks": "{}", old: null } },
  });
  assert.equal(server.seen[1]?.path, "/api/v1/nodes/n1/status");
  assert.deepEqual(JSON.parse(server.seen[1]?.body ?? ""), {
    metadata: { uid: "u2" },
    status: { conditions: [{ ...condition, lastTransitionTime: "2026-01-02T03:04:05Z" }] },
  });
});

test("a path in the server's URL is kept, and names cannot leave their place in it", async () => {
  await using server = await scripted([json({ items: [{}], metadata: { resourceVersion: "3" } })]);
  using client = new KubeClient({ server: `${server.url}/clusters/c1/`, namespace: "default" });
  const page = await client.list(pathOf(kinds.Node), { query: { limit: 1, continue: undefined } });
  assert.deepEqual(page, { items: [{}], resourceVersion: "3", continue: "" });
  assert.equal(server.seen[0]?.path, "/clusters/c1/api/v1/nodes");
  assert.equal(server.seen[0]?.query.toString(), "limit=1");
  assert.equal(pathOf(kinds.Pod, "a/b", "c?d"), "/api/v1/namespaces/a%2Fb/pods/c%3Fd");
  assert.throws(() => pathOf(kinds.Pod, "shop", ".."), RangeError);
});

const refusals: readonly (readonly [string, Answer, (error: KubeError) => unknown, boolean])[] = [
  ["not found", status(404, "NotFound"), isNotFound, false],
  ["a name that is taken", status(409, "AlreadyExists"), isAlreadyExists, false],
  ["a conflict", status(409, "Conflict"), isConflict, true],
  ["a server in trouble", status(503, "ServiceUnavailable"), (e) => e.status === 503, true],
  ["an expired token", status(401, "Unauthorized"), (e) => e.reason === "Unauthorized", true],
  ["an invalid object", status(422, "Invalid"), (e) => e.reason === "Invalid", false],
  [
    "too many requests",
    status(429, "TooManyRequests", { "retry-after": "3" }),
    (e) => e.retryAfterMs === 3000,
    true,
  ],
  [
    "a wait asked for in the Status",
    json({ reason: "ServerTimeout", details: { retryAfterSeconds: 2 } }, 504),
    (e) => e.retryAfterMs === 2000,
    true,
  ],
  [
    "a proxy's own page",
    (response) => void response.writeHead(502).end("<h1>Bad Gateway</h1>"),
    (e) => /502.*Bad Gateway/.test(e.message),
    true,
  ],
  ["a redirect", (response) => void response.writeHead(302).end(), (e) => e.status === 302, false],
  [
    "an answer that is not JSON",
    (response) => void response.end("hello"),
    (e) => e.reason === "Malformed",
    false,
  ],
  [
    "a connection closed without answer",
    (response) => void response.destroy(),
    (e) => e.reason === "ConnectionLost",
    true,
  ],
  [
    "an answer cut short",
    (response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("{", () => response.destroy());
    },
    (e) => e.reason === "ConnectionLost",
    true,
  ],
];

for (const [what, answer, looksRight, retryable] of refusals) {
  test(`${what} is reported as such, and ${retryable ? "worth" : "not worth"} another try`, async () => {
    await using server = await scripted([answer]);
    using client = clientOf(server);
    const error = await failureOf(client.get(web1Path));
    assert.ok(looksRight(error), inspect(error));
    assert.equal(error.retryable, retryable);
    assert.ok(error.message.startsWith(`GET ${web1Path}: `));
  });
}

test("an answer above the size limit is given up, and its connection closed", async () => {
  const endless: Answer = (response) => {
    response.writeHead(200);
    const more = (): void => {
      if (!response.destroyed) response.write("x".repeat(10_000), more);
    };
    more();
  };
  await using server = await scripted([endless]);
  using client = new KubeClient({ server: server.url, namespace: "default" }, { maxResponseBytes: 50_000 });
  assert.equal((await failureOf(client.get("/api/v1/pods"))).reason, "TooLarge");
  await until(() => server.counts.answering === 0, "the connection is closed");
});

test("a server that does not answer is given up in time", async () => {
  await using server = await scripted([() => undefined]);
  using client = new KubeClient({ server: server.url, namespace: "default" }, { timeoutMs: 50 });
  const error = await failureOf(client.get("/api/v1/pods"));
  assert.equal(error.reason, "TimedOut");
  assert.equal(error.retryable, true);
  assert.equal((await failureOf(client.stream("/api/v1/pods", { idleMs: 1000 }))).reason, "TimedOut");
});

test("a caller's signal ends a request with its own reason, before it, during it and within the answer", async () => {
  const half: Answer = (response) => void response.writeHead(200, { "content-length": 10 }).write("{");
  await using server = await scripted([() => undefined, half]);
  using client = clientOf(server);
  for (const sent of [1, 2]) {
    const controller = new AbortController();
    const request = client.get("/api/v1/pods", { signal: controller.signal });
    await until(() => server.seen.length === sent, "the request is there");
    controller.abort(new Error("changed my mind"));
    await assert.rejects(request, /changed my mind/);
  }
  const signal = AbortSignal.abort(new Error("never wanted"));
  await assert.rejects(client.get("/api/v1/pods", { signal }), /never wanted/);
  assert.equal(server.seen.length, 2);
});
