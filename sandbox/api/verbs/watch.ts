// GET with watch=true: the changes to the selected objects as they happen, one JSON line each. It begins with all
// objects (no resourceVersion, or sendInitialEvents), or with the remembered changes after a resourceVersion.

import { randomInt } from "node:crypto";
import type { ServerResponse } from "node:http";
import { Causes } from "../causes.ts";
import type { Cluster } from "../cluster.ts";
import { writeTexts } from "../http/stream.ts";
import type { JsonObject } from "../json.ts";
import { apiVersionOf, type Kind } from "../kinds/kind.ts";
import { withMetadata } from "../objects.ts";
import type { Selection } from "../select/selection.ts";
import { type ApiError, badRequest, expired, invalid } from "../status.ts";
import type { Change, Entry, Shelf } from "../store/shelf.ts";
import { columnDefinitions, type IncludeObject, tableOf, tableRow } from "../tables/table.ts";
import { ChangeQueue } from "./change-queue.ts";
import { checkRevision } from "./list.ts";

export interface WatchRequest {
  readonly cluster: Cluster;
  readonly kind: Kind;
  readonly selection: Selection;
  readonly query: URLSearchParams;
  /** Rows of a Table instead of objects, when set. */
  readonly table: IncludeObject | undefined;
  readonly bookmarkIntervalMs: number;
}

/** Writes one event. */
type Writer = (type: Change["type"], entry: Entry) => string;

/** Serves until the client leaves, timeoutSeconds have passed or `signal` aborts. Throws before it has written anything. */
export async function serveWatch(
  request: WatchRequest,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { cluster, kind, query, bookmarkIntervalMs } = request;
  const shelf = cluster.store.shelf(kind);
  const start = startOf(request, shelf);
  const bookmarks = query.get("allowWatchBookmarks") === "true";
  using queue = new ChangeQueue(shelf, bookmarkIntervalMs);
  const timeout = AbortSignal.timeout(timeoutMsOf(query));
  const until = AbortSignal.any([signal, timeout]);
  const write = request.table ? tableWriter(kind, request.table, cluster) : objectWriter;
  const bookmark = (revision: number, metadata: JsonObject = {}): string =>
    bookmarkText(request, revision, metadata);
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
  response.flushHeaders();
  const revision = cluster.store.revision;
  await writeTexts(response, startTexts(start, request, write), until);
  if (start.initialEnd)
    await writeTexts(
      response,
      [bookmark(revision, { annotations: { "k8s.io/initial-events-end": "true" } })],
      until,
    );
  while (start.error === undefined && !until.aborted) {
    const { changes, idle } = await queue.take(until);
    await writeTexts(response, eventTexts(changes, request.selection, write), until);
    if (idle && bookmarks) await writeTexts(response, [bookmark(cluster.store.revision)], until);
    if (queue.ended) break;
  }
  if (timeout.aborted && bookmarks && !signal.aborted) response.write(bookmark(cluster.store.revision));
  response.end();
}

interface Start {
  readonly entries: readonly Entry[];
  readonly changes: readonly Change[];
  readonly initialEnd: boolean;
  readonly error: ApiError | undefined;
}

function startOf({ cluster, kind, selection, query }: WatchRequest, shelf: Shelf): Start {
  const revision = query.get("resourceVersion") ?? "";
  const initialEvents = query.get("sendInitialEvents");
  checkInitialEvents(kind, query);
  checkRevision(cluster, query);
  const fresh = initialEvents === null ? revision === "" || revision === "0" : initialEvents === "true";
  const start = { entries: [], changes: [], initialEnd: false, error: undefined };
  if (fresh)
    return { ...start, entries: shelf.range(selection.namespace), initialEnd: initialEvents === "true" };
  if (revision === "" || revision === "0") return start;
  const changes = shelf.since(Number(revision));
  return changes
    ? { ...start, changes }
    : { ...start, error: expired(`too old resource version: ${revision} (${cluster.store.revision})`) };
}

function checkInitialEvents(kind: Kind, query: URLSearchParams): void {
  const match = query.get("resourceVersionMatch");
  const causes = new Causes();
  if (query.has("sendInitialEvents") && match !== "NotOlderThan")
    causes.forbidden(
      "resourceVersionMatch",
      "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
    );
  if (!query.has("sendInitialEvents") && match !== null)
    causes.forbidden(
      "resourceVersionMatch",
      "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
    );
  if (causes.list.length > 0) throw invalid({ ...kind, kind: "ListOptions" }, "", causes.list);
}

function timeoutMsOf(query: URLSearchParams): number {
  const text = query.get("timeoutSeconds");
  if (text === null) return randomInt(30 * 60_000, 60 * 60_000);
  if (!/^\d{1,6}$/.test(text)) throw badRequest(`timeoutSeconds is not a number: ${text}`);
  return Number(text) * 1000;
}

function* startTexts(start: Start, { selection }: WatchRequest, write: Writer): Generator<string> {
  if (start.error) yield `${JSON.stringify({ type: "ERROR", object: start.error.status })}\n`;
  for (const entry of start.entries) if (selection.matches(entry.object)) yield write("ADDED", entry);
  yield* eventTexts(start.changes, selection, write);
}

/** In a watch with selectors, an object is added when it begins to match and deleted when it ceases to. */
function* eventTexts(changes: readonly Change[], selection: Selection, write: Writer): Generator<string> {
  for (const { type, entry, before } of changes) {
    const was = before !== undefined && selection.matches(before.object);
    const is = type !== "DELETED" && selection.matches(entry.object);
    if (is) yield write(was ? "MODIFIED" : "ADDED", entry);
    else if (was) yield write("DELETED", type === "DELETED" ? entry : lastSeen(before, entry));
  }
}

/** The client's last view of an object that no longer matches, with the revision of the change. */
function lastSeen(before: Entry, now: Entry): Entry {
  const object = withMetadata(before.object, { resourceVersion: now.object.metadata.resourceVersion });
  return { ...before, object, json: JSON.stringify(object) };
}

const objectWriter: Writer = (type, entry) => `{"type":"${type}","object":${entry.json}}\n`;

/** Only the first table names the columns: kubectl prints a heading for each table that does. */
function tableWriter(kind: Kind, include: IncludeObject, { clock }: Cluster): Writer {
  let columns = columnDefinitions(kind);
  return (type, entry) => {
    const metadata = { resourceVersion: String(entry.revision) };
    const object = tableOf(columns, [tableRow(kind, entry.object, clock(), include)], metadata);
    columns = [];
    return `${JSON.stringify({ type, object })}\n`;
  };
}

function bookmarkText({ kind, table }: WatchRequest, revision: number, extra: JsonObject): string {
  const metadata = { resourceVersion: String(revision), ...extra };
  const object = table
    ? tableOf([], [], metadata)
    : { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata };
  return `${JSON.stringify({ type: "BOOKMARK", object })}\n`;
}
