// Logs, exec and attach: the server passes them on to the unix socket of the pod's node and does not look into the
// stream. `/pods/NAME/log` becomes `/containerLogs/NAMESPACE/NAME/CONTAINER`, `/pods/NAME/exec` becomes
// `/exec/NAMESPACE/NAME/CONTAINER`, and attach likewise, each with its query.

import { once } from "node:events";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { listAt, textAt } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import { ApiError, badRequest } from "./status.ts";

/** The path of the unix socket on which the node's kubelet serves HTTP. */
export type KubeletSocket = (node: string) => string;

const defaultContainer = "kubectl.kubernetes.io/default-container";

/** The kubelet's path for a container of the pod. Throws when the pod has no node or the container is ambiguous. */
function kubeletPath(
  verb: "containerLogs" | "exec" | "attach",
  pod: KubeObject,
  query: URLSearchParams,
): string {
  const { name, namespace = "" } = pod.metadata;
  const container = containerOf(pod, query.get("container") ?? "");
  const passed = new URLSearchParams([...query].filter(([key]) => key !== "container"));
  const path = ["", verb, namespace, name, container].map(encodeURIComponent).join("/");
  return passed.size === 0 ? path : `${path}?${passed.toString()}`;
}

function containerOf(pod: KubeObject, asked: string): string {
  const { name, annotations } = pod.metadata;
  const names = ["containers", "initContainers", "ephemeralContainers"].flatMap((list) =>
    listAt(pod, "spec", list).map((container) => textAt(container, "name")),
  );
  const regular = listAt(pod, "spec", "containers").length;
  const container = asked || annotations?.[defaultContainer] || (regular === 1 ? names[0] : undefined);
  if (container === undefined)
    throw badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${names.join(" ")}]`,
    );
  if (!names.includes(container)) throw badRequest(`container ${container} is not valid for pod ${name}`);
  return container;
}

export function nodeOf(pod: KubeObject): string {
  const node = textAt(pod, "spec", "nodeName");
  if (node === "") throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  return node;
}

const unreachable = (node: string, error: unknown): ApiError =>
  new ApiError(
    500,
    "InternalError",
    `error dialing backend: node ${node}: ${error instanceof Error ? error.message : String(error)}`,
  );

/** Streams the kubelet's answer until it ends or `signal` fires. */
export async function proxyLog(
  socket: KubeletSocket,
  pod: KubeObject,
  query: URLSearchParams,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const node = nodeOf(pod);
  const upstream = httpRequest({
    socketPath: socket(node),
    path: kubeletPath("containerLogs", pod, query),
    signal,
  });
  upstream.end();
  const answer = await once(upstream, "response").then(
    ([first]: IncomingMessage[]) => first,
    (error: unknown) => {
      throw unreachable(node, error);
    },
  );
  if (!answer) return;
  const code = answer.statusCode ?? 500;
  if (code >= 400)
    throw new ApiError(code, code === 404 ? "NotFound" : "BadRequest", (await text(answer)).trim());
  response.writeHead(code, { "content-type": "text/plain" });
  response.flushHeaders();
  await pipeline(answer, response).catch((error: unknown) => {
    if (!signal.aborted && !response.destroyed) throw error;
  });
}

/** Joins the client's connection with the kubelet's. The kubelet's answer to the upgrade is passed on unchanged. */
export async function proxyUpgrade(
  socket: KubeletSocket,
  verb: "exec" | "attach",
  pod: KubeObject,
  query: URLSearchParams,
  client: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  signal: AbortSignal,
): Promise<void> {
  const node = nodeOf(pod);
  const path = kubeletPath(verb, pod, query);
  const upstream = connect({ path: socket(node) });
  await once(upstream, "connect", { signal }).catch((error: unknown) => {
    upstream.destroy();
    throw unreachable(node, error);
  });
  const close = (): void => {
    upstream.destroy();
    client.socket.destroy();
  };
  signal.addEventListener("abort", close, { once: true });
  upstream.write(`GET ${path} HTTP/1.1\r\n${headersOf(client.request)}\r\n\r\n`);
  upstream.write(client.head);
  await Promise.allSettled([pipeline(client.socket, upstream), pipeline(upstream, client.socket)]);
  signal.removeEventListener("abort", close);
  close();
}

/** The kubelet's socket belongs to root, so the kubelet has no need for the client's token. */
function headersOf(request: IncomingMessage): string {
  const lines: string[] = [];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const [name = "", value = ""] = request.rawHeaders.slice(i, i + 2);
    if (name.toLowerCase() !== "authorization") lines.push(`${name}: ${value}`);
  }
  return lines.join("\r\n");
}
