// Logs and exec through the sandbox's own API server, which passes them on to the unix socket of the pod's kubelet:
// here a fake that reports what it was asked.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { after, before, describe, it } from "node:test";
import { WebSocketServer } from "ws";
import { textAt } from "../../sandbox/api/json.ts";
import { ApiUnderTest } from "./apiUnderTest.ts";

const channel = { stdin: 0, stdout: 1, error: 3 } as const;
const node = "stub";

/**
 * Answers logs with the requested path. The command `yes` writes its path until the client goes. Any other
 * writes its path once its input has come, echoes the input and ends with status 7. kubectl discards what arrives before
 * it is ready: that is why no path is written once and at once.
 */
function kubelet(): Server {
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer((request, response) => {
    if (request.url?.includes("tailLines=0")) response.writeHead(400).end("container is waiting to start");
    else response.end(`${request.url} authorization=${request.headers.authorization}\n`);
  });
  server.on("upgrade", (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (client) => {
      const send = (to: number, text: string): void =>
        client.send(Buffer.concat([Buffer.from([to]), Buffer.from(text)]));
      const writing = request.url?.includes("command=yes")
        ? setInterval(() => send(channel.stdout, `${request.url}\n`), 10)
        : undefined;
      client.once("close", () => {
        clearInterval(writing);
        server.emit("client gone");
      });
      client.on("message", (data: Buffer) => {
        if (data[0] !== channel.stdin) return;
        send(channel.stdout, `${request.url}\necho ${data.subarray(1).toString()}`);
        const causes = [{ reason: "ExitCode", message: "7" }];
        send(
          channel.error,
          JSON.stringify({ status: "Failure", reason: "NonZeroExitCode", details: { causes } }),
        );
        client.close(1000);
      });
    });
  });
  return server;
}

let api: ApiUnderTest;
let stub: Server;
before(async () => {
  api = await ApiUnderTest.startEmbedded();
  stub = kubelet().listen(api.kubeletSocket(node));
  await once(stub, "listening");
  const two = [
    { name: "one", image: "i" },
    { name: "two", image: "i" },
  ];
  for (const [name, nodeName, containers] of [
    ["single", node, two.slice(0, 1)],
    ["double", node, two],
    ["homeless", "", two.slice(0, 1)],
    ["away", "no-such-node", two.slice(0, 1)],
  ] as const) {
    const spec = { containers, ...(nodeName !== "" && { nodeName }) };
    await api.expect(201, "POST", api.path("pods"), { metadata: { name }, spec });
    await api.expect(
      200,
      "PATCH",
      api.path(`pods/${name}/status`),
      { status: { phase: "Running" } },
      "application/merge-patch+json",
    );
  }
});
after(async () => {
  await api[Symbol.asyncDispose]();
  stub.closeAllConnections();
  stub.close();
});

describe("kubectl logs", () => {
  it("reaches the container on its node, with the query but without the token", async () => {
    const path = `/containerLogs/${api.namespace}/single/one`;
    assert.equal(
      await api.kubectlOk(["logs", "single", "--tail=3"]),
      `${path}?tailLines=3 authorization=undefined\n`,
    );
    assert.match(await api.kubectlOk(["logs", "-f", "double", "-c", "two"]), /double\/two\?follow=true/);
  });

  it("says why there is no log", async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["single", "--tail=0"], /container is waiting to start/],
      [["homeless"], /pod homeless does not have a host assigned/],
      [["away"], /error dialing backend: node no-such-node/],
      [["single", "-c", "three"], /container three is not valid for pod single/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await api.kubectl(["logs", ...args]);
      assert.equal(code, 1);
      assert.match(stderr, message);
    }
  });

  it("needs to know which container is meant", async () => {
    const status = await api.expect(400, "GET", `${api.path("pods/double")}/log`);
    assert.match(textAt(status, "message"), /choose one of: \[one two\]/);
  });
});

describe("kubectl exec", () => {
  it("joins input, output and exit status of a command with the kubelet's", async () => {
    const { code, stdout } = await api.kubectl(["exec", "-i", "single", "--", "cat", "a b"], "hello\n");
    assert.equal(code, 7);
    assert.match(
      stdout,
      new RegExp(`^/exec/${api.namespace}/single/one\\?command=cat&command=a\\+b&stderr=true&stdin=true`),
    );
    assert.match(stdout, /echo hello/);
  });

  it("ends at the kubelet when the client goes", async () => {
    const gone = once(stub, "client gone");
    const lines = api.kubectlLines(["exec", "single", "--", "yes"]);
    assert.match((await lines.next()).value ?? "", /^\/exec\//);
    await lines.return();
    await gone;
  });

  it("is refused with the reason where there is no kubelet", async () => {
    const { code, stderr } = await api.kubectl(["exec", "homeless", "--", "true"]);
    assert.equal(code, 1);
    assert.match(stderr, /does not have a host assigned/);
  });
});

describe("kubectl attach", () => {
  it("joins the client with the container's input and output", async () => {
    const { stdout } = await api.kubectl(["attach", "-i", "single"], "hello\n");
    assert.match(stdout, new RegExp(`^/attach/${api.namespace}/single/one\\?.*stdin=true`));
    assert.match(stdout, /echo hello/);
  });
});

describe("kubectl port-forward", () => {
  it("is refused clearly", async () => {
    const forward = await api.kubectl(["port-forward", "pod/single", "8080:80"]);
    assert.match(forward.stderr, /port-forward is not supported by the sandbox's Kubernetes API/);
  });
});
