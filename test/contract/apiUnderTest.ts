// The API server that the contract tests talk to: the one whose kubeconfig WEFT_API_KUBECONFIG names, otherwise the
// sandbox's own, started as a process for the test. Each test file works in a namespace of its own.

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { type Json, type JsonObject, objectAt, textAt } from "../../sandbox/api/json.ts";
import type { ClusterConfig } from "../../src/kube/config.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { makeFolder, removeFolder, untilExit } from "../real/atExit.ts";

const external = process.env["WEFT_API_KUBECONFIG"];
const main = join(import.meta.dirname, "../../sandbox/api/main.ts");

export interface Answer {
  readonly code: number;
  readonly body: JsonObject;
  readonly warnings: string;
}

export interface Ask {
  readonly body?: Json;
  readonly type?: string;
  readonly accept?: string;
  readonly token?: string;
}

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Embedded {
  readonly directory: string;
  readonly server: ChildProcess;
}

/** One line of a watch. */
export interface WatchEvent {
  readonly type: string;
  readonly object: JsonObject;
}

export class ApiUnderTest implements AsyncDisposable {
  readonly namespace: string;
  readonly #kubeconfig: string;
  readonly config: ClusterConfig;
  readonly #embedded: Embedded | undefined;

  private constructor(kubeconfig: string, config: ClusterConfig, embedded: Embedded | undefined) {
    this.namespace = `weft-api-${randomBytes(4).toString("hex")}`;
    this.#kubeconfig = kubeconfig;
    this.config = config;
    this.#embedded = embedded;
  }

  /** Whether it is the sandbox's own, which lacks some features of a real one. */
  get embedded(): boolean {
    return this.#embedded !== undefined;
  }

  /** Starts the one that the environment names. */
  static async start(): Promise<ApiUnderTest> {
    return external === undefined ? ApiUnderTest.startEmbedded() : ApiUnderTest.#open(external, undefined);
  }

  /** Always starts the sandbox's own, for features that only it has. */
  static async startEmbedded(): Promise<ApiUnderTest> {
    const directory = await makeFolder("weft-api-");
    const server = await startServer(directory);
    return ApiUnderTest.#open(join(directory, "kubeconfig"), { directory, server });
  }

  static async #open(kubeconfig: string, embedded: Embedded | undefined): Promise<ApiUnderTest> {
    const api = new ApiUnderTest(kubeconfig, await loadKubeconfig(kubeconfig), embedded);
    await api.makeNamespace(api.namespace);
    return api;
  }

  /** Where the server looks for a node's kubelet. */
  kubeletSocket(node: string): string {
    return join(this.#embedded?.directory ?? "", `${node}.sock`);
  }

  /** On a real cluster it also waits for the service account that pods need. */
  async makeNamespace(name: string): Promise<void> {
    await this.expect(201, "POST", "/api/v1/namespaces", { metadata: { name } });
    const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
    while (!this.embedded && (await this.call("GET", account)).code !== 200) await sleep(100);
  }

  async call(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    const response = await this.#send(method, path, ask);
    // A real server says in plain text that a path does not exist.
    const isJson = response.headers["content-type"]?.startsWith("application/json") ?? false;
    const said = await text(response);
    const body: JsonObject = isJson && said !== "" ? JSON.parse(said) : {};
    return { code: response.statusCode ?? 0, body, warnings: response.headers["warning"] ?? "" };
  }

  /** The body of an answer, which must have this code. */
  async expect(code: number, method: string, path: string, body?: Json, type?: string): Promise<JsonObject> {
    const answer = await this.call(method, path, {
      ...(body !== undefined && { body }),
      ...(type !== undefined && { type }),
    });
    assert.equal(answer.code, code, `${method} ${path}: ${textAt(answer.body, "message")}`);
    return answer.body;
  }

  /** A path in the test's namespace: `pods`, `apps/v1/deployments/web`. */
  path(rest: string): string {
    const [, prefix = "/api/v1", resource = rest] = /^([a-z.0-9]+\/v\d)\/(.*)$/.exec(rest) ?? [];
    return `${prefix.startsWith("/") ? prefix : `/apis/${prefix}`}/namespaces/${this.namespace}/${resource}`;
  }

  /** The events of a watch, until the reader stops or the server ends it. */
  async *watch(path: string, query: string): AsyncGenerator<WatchEvent, void> {
    const response = await this.#send("GET", `${path}?watch=true&${query}`, {});
    try {
      for await (const line of createInterface({ input: response })) {
        const event: JsonObject = JSON.parse(line);
        yield { type: textAt(event, "type"), object: objectAt(event, "object") };
      }
    } finally {
      response.destroy();
    }
  }

  async kubectl(args: readonly string[], input = ""): Promise<KubectlResult> {
    const child = execFile("kubectl", ["--kubeconfig", this.#kubeconfig, "-n", this.namespace, ...args]);
    child.stdin?.end(input);
    const { stdout, stderr } = child;
    assert.ok(stdout && stderr);
    const [out, err, exit] = await Promise.all([text(stdout), text(stderr), once(child, "close")]);
    return { code: Number(exit[0]), stdout: out, stderr: err };
  }

  /** The output of kubectl, which must succeed. */
  async kubectlOk(args: readonly string[], input = ""): Promise<string> {
    const { code, stdout, stderr } = await this.kubectl(args, input);
    assert.equal(code, 0, `kubectl ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** The lines that kubectl prints, as they come. kubectl is ended when the reader stops. */
  async *kubectlLines(args: readonly string[]): AsyncGenerator<string, void> {
    const child = spawn("kubectl", ["--kubeconfig", this.#kubeconfig, "-n", this.namespace, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      yield* createInterface({ input: child.stdout });
    } finally {
      child.kill();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#embedded) {
      await this.call("DELETE", `/api/v1/namespaces/${this.namespace}`);
      return;
    }
    const { server, directory } = this.#embedded;
    if (server.exitCode === null) {
      const exited = once(server, "exit");
      server.kill("SIGKILL");
      await exited;
    }
    await removeFolder(directory);
  }

  async #send(method: string, path: string, { body, type, accept, token }: Ask): Promise<IncomingMessage> {
    const { server, ca, clientCert, clientKey, insecure } = this.config;
    // Node only frames the body of a DELETE when it knows the length.
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const bearer = token ?? (await this.config.token?.());
    const sent = request(new URL(path, server), {
      method,
      agent: false,
      rejectUnauthorized: insecure !== true,
      ...(ca !== undefined && { ca }),
      // A server that knows the certificate does not look at the token.
      ...(token === undefined && clientCert !== undefined && clientKey !== undefined
        ? { cert: clientCert, key: clientKey }
        : {}),
      headers: {
        accept: accept ?? "application/json",
        ...(content && { "content-type": type ?? "application/json", "content-length": content.length }),
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      },
    });
    sent.end(content);
    const [response]: IncomingMessage[] = await once(sent, "response");
    assert.ok(response);
    return response;
  }
}

async function startServer(directory: string): Promise<ChildProcess> {
  const flags: Readonly<Record<string, readonly string[]>> = {
    "state-dir": [directory],
    port: ["0"],
    "kubelet-socket": [join(directory, "{node}.sock")],
    "history-length": ["50"],
    "service-cidr": ["10.96.0.0/16", "fd00:10:96::/112"],
    kubeconfig: [join(directory, "kubeconfig")],
  };
  const args = Object.entries(flags).flatMap(([name, values]) => values.map((value) => `--${name}=${value}`));
  const server = untilExit(
    spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "inherit"] }),
  );
  const [line] = await once(createInterface({ input: server.stdout }), "line");
  assert.equal(objectAt(JSON.parse(String(line)))["ready"], true);
  return server;
}
