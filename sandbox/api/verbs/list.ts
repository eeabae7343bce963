// GET of many objects, whole or in pages. The continue token holds the revision of the first page, so a client that
// watches from there misses nothing that changed while it was paging.

import type { Cluster } from "../cluster.ts";
import type { JsonObject } from "../json.ts";
import { apiVersionOf, type Kind } from "../kinds/kind.ts";
import type { Selection } from "../select/selection.ts";
import { ApiError, badRequest, expired } from "../status.ts";
import type { Entry } from "../store/shelf.ts";
import { columnDefinitions, type IncludeObject, tableRow } from "../tables/table.ts";

export interface Page {
  readonly entries: readonly Entry[];
  readonly metadata: JsonObject;
}

interface Token {
  readonly revision: number;
  readonly after: string;
}

export function pageOf(cluster: Cluster, kind: Kind, selection: Selection, query: URLSearchParams): Page {
  const shelf = cluster.store.shelf(kind);
  const token = decodeToken(query.get("continue") ?? "");
  if (token && !shelf.since(token.revision))
    throw expired(
      "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
    );
  if (!token) checkRevision(cluster, query);
  const candidates = shelf.range(selection.namespace, token?.after);
  const limit = Number(query.get("limit") ?? 0) || candidates.length;
  const entries: Entry[] = [];
  let looked = 0;
  for (const entry of candidates) {
    if (entries.length === limit) break;
    looked++;
    if (selection.matches(entry.object)) entries.push(entry);
  }
  const remaining = candidates.length - looked;
  const revision = token?.revision ?? cluster.store.revision;
  return {
    entries,
    metadata: {
      resourceVersion: String(revision),
      ...(remaining > 0 && { continue: encodeToken({ revision, after: entries.at(-1)?.key ?? "" }) }),
      ...(remaining > 0 && !selection.narrowed && { remainingItemCount: remaining }),
    },
  };
}

/** Refuses a future revision, and an exact revision other than the present one: the past is not kept. */
export function checkRevision(cluster: Cluster, query: URLSearchParams): void {
  const text = query.get("resourceVersion") ?? "";
  if (text === "") return;
  if (!/^\d+$/.test(text)) throw badRequest(`invalid resource version: ${JSON.stringify(text)}`);
  const asked = Number(text);
  const present = cluster.store.revision;
  if (asked > present)
    throw new ApiError(504, "Timeout", `Too large resource version: ${asked}, current: ${present}`, {
      retryAfterSeconds: 1,
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    });
  if (query.get("resourceVersionMatch") === "Exact" && asked !== present)
    throw expired(`The resourceVersion for the provided list is too old: ${asked}, current: ${present}`);
}

const encodeToken = (token: Token): string => Buffer.from(JSON.stringify(token)).toString("base64url");

function decodeToken(text: string): Token | undefined {
  if (text === "") return undefined;
  const [, revision, after] =
    /^\{"revision":(\d+),"after":"([^"\\]+)"\}$/.exec(Buffer.from(text, "base64url").toString()) ?? [];
  if (revision === undefined || after === undefined) throw badRequest("continue key is not valid");
  return { revision: Number(revision), after };
}

/** The list as texts. The items are written as stored. */
export function* listTexts(kind: Kind, page: Page): Generator<string> {
  const { metadata } = page;
  yield `{"kind":"${kind.kind}List","apiVersion":"${apiVersionOf(kind)}","metadata":${JSON.stringify(metadata)},"items":[`;
  let separator = "";
  for (const entry of page.entries) {
    yield separator + entry.json;
    separator = ",";
  }
  yield "]}\n";
}

export function* tableTexts(kind: Kind, page: Page, now: number, include: IncludeObject): Generator<string> {
  const head = {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: page.metadata,
    columnDefinitions: columnDefinitions(kind),
  };
  yield `${JSON.stringify(head).slice(0, -1)},"rows":[`;
  let separator = "";
  for (const entry of page.entries) {
    yield separator + JSON.stringify(tableRow(kind, entry.object, now, include));
    separator = ",";
  }
  yield "]}\n";
}
