// The minimal Kubernetes API that an agent needs, as a process of its own in a namespace of the sandbox: list and watch
// of any path, single objects, patches of annotations and status. The test writes objects over a unix socket, and decides
// when watches are told how far they have come (PUT /bookmarks). Pods under /late are those that no watch has brought
// yet. Arguments: port, path of the unix socket.

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { type Json, list, record, text } from "../../src/kube/json.ts";
import { Multimap } from "../../src/model/multimap.ts";

const [port = "", socket = ""] = process.argv.slice(2);

/** `/api/v1/pods` -> `shop/web-1` -> object */
const collections = new Map<string, Map<string, Json>>();
const watches = new Multimap<string, (type: string, object: Json) => void>();
/** Each tells one watch that it has received everything that exists. */
const bookmarks = new Set<() => void>();
let version = 1;

const collectionAt = (path: string): Map<string, Json> => {
  const found = collections.get(path) ?? new Map<string, Json>();
  collections.set(path, found);
  return found;
};

function put(path: string, object: Json): Json {
  const metadata = record(object.metadata);
  const key = `${text(metadata.namespace)}/${text(metadata.name)}`;
  const stored = { ...object, metadata: { ...metadata, resourceVersion: String(++version) } };
  const type = collectionAt(path).has(key) ? "MODIFIED" : "ADDED";
  collectionAt(path).set(key, stored);
  for (const tell of watches.get(path)) tell(type, stored);
  return stored;
}

function remove(path: string, key: string): void {
  const object = collectionAt(path).get(key);
  if (!object) return;
  collectionAt(path).delete(key);
  for (const tell of watches.get(path)) tell("DELETED", object);
}

/** Supports only what the agent uses: `metadata.name=` and `spec.nodeName=`. */
function selects(selector: string, object: Json): boolean {
  const [field, value] = selector.split("=");
  if (field === "metadata.name") return text(record(object.metadata).name) === value;
  return field !== "spec.nodeName" || text(record(object.spec).nodeName) === value;
}

function answerList(url: URL, response: ServerResponse): void {
  const selector = url.searchParams.get("fieldSelector") ?? "";
  const chosen = (object: Json): boolean => selector === "" || selects(selector, object);
  const items = [...collectionAt(url.pathname).values()].filter(chosen);
  if (url.searchParams.get("watch") === null) {
    response.end(JSON.stringify({ items, metadata: { resourceVersion: String(version) } }));
    return;
  }
  const tell = (type: string, object: Json): void => {
    if (chosen(object)) response.write(`${JSON.stringify({ type, object })}\n`);
  };
  if (url.searchParams.get("sendInitialEvents") === "true") {
    for (const object of items) tell("ADDED", object);
    const annotations = { "k8s.io/initial-events-end": "true" };
    const end = { metadata: { resourceVersion: String(version), annotations } };
    response.write(`${JSON.stringify({ type: "BOOKMARK", object: end })}\n`);
  }
  watches.add(url.pathname, tell);
  const bookmark = (): void => {
    const object = { metadata: { resourceVersion: String(version) } };
    response.write(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
  };
  bookmarks.add(bookmark);
  response.on("close", () => {
    watches.delete(url.pathname, tell);
    bookmarks.delete(bookmark);
  });
}

/** One object, if the path is that of one. */
function answerObject(url: URL, response: ServerResponse): boolean {
  const found =
    /^(?<base>\/.*)\/namespaces\/(?<namespace>[^/]+)\/(?<plural>[^/]+)\/(?<name>[^/]+)$/.exec(url.pathname) ??
    /^(?<base>\/api\/v1)\/(?<plural>namespaces|nodes)\/(?<name>[^/]+)$/.exec(url.pathname);
  const { base, namespace = "", plural, name } = found?.groups ?? {};
  if (plural === undefined) return false;
  const key = `${namespace}/${name}`;
  const object = collectionAt("/late").get(key) ?? collectionAt(`${base}/${plural}`).get(key);
  if (object) response.end(JSON.stringify(object));
  else response.writeHead(404).end(JSON.stringify({ kind: "Status", reason: "NotFound", code: 404 }));
  return true;
}

/** A strategic merge: of each type the last one counts. */
function withConditions(status: Json, patch: readonly unknown[]): Json {
  const byType = new Map([...list(status.conditions), ...patch].map((one) => [record(one).type, one]));
  return { ...status, conditions: [...byType.values()] };
}

/** Applies a merge patch of annotations, or a status with one condition. */
function answerPatch(url: URL, body: Json, response: ServerResponse): void {
  const [, path = "", name = ""] = /^(.*\/nodes)\/([^/]+)/.exec(url.pathname) ?? [];
  const object = collectionAt(path).get(`/${name}`);
  if (!object) {
    response.writeHead(404).end(JSON.stringify({ kind: "Status", reason: "NotFound", code: 404 }));
    return;
  }
  const metadata = record(object.metadata);
  const annotations = { ...record(metadata.annotations), ...record(record(body.metadata).annotations) };
  const conditions = list(record(body.status).conditions);
  const status = conditions.length > 0 ? withConditions(record(object.status), conditions) : object.status;
  response.end(JSON.stringify(put(path, { ...object, status, metadata: { ...metadata, annotations } })));
}

async function bodyOf(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const body = Buffer.concat(chunks).toString("utf8");
  return record(body === "" ? {} : JSON.parse(body));
}

const serve: RequestListener = (request, response) => {
  const url = new URL(request.url ?? "/", "http://api");
  if (request.method === "GET") {
    if (!answerObject(url, response)) answerList(url, response);
    return undefined;
  }
  return void bodyOf(request).then((body) => {
    if (url.pathname === "/bookmarks") {
      for (const bookmark of bookmarks) bookmark();
      return response.end("{}");
    }
    if (request.method === "PATCH") return answerPatch(url, body, response);
    if (request.method === "PUT") return response.end(JSON.stringify(put(url.pathname, body)));
    remove(url.pathname, text(body.key));
    return response.end("{}");
  });
};

createServer(serve).listen(Number(port), "0.0.0.0");
createServer(serve).listen(socket, () => process.stdout.write("ready\n"));
