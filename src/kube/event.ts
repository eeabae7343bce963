// One line of a watch stream ▶ what it means for a store.

import { statusFields } from "./answer.ts";
import { KubeError } from "./error.ts";
import { isRecord, type Json, record, text } from "./json.ts";

export type WatchEvent =
  | { readonly type: "put"; readonly object: Json; readonly resourceVersion: string }
  | {
      readonly type: "remove";
      readonly namespace: string;
      readonly name: string;
      readonly resourceVersion: string;
    }
  /**
   * Nothing else happened up to this version. `endsList`: all objects that existed when the watch began have been
   * sent.
   */
  | { readonly type: "bookmark"; readonly resourceVersion: string; readonly endsList: boolean };

/**
 * Throws a KubeError for a line that is not an event, and for the server's ERROR events (410 when the version is too
 * old).
 */
export function watchEventOf(line: string): WatchEvent {
  const { type, object } = parsed(line);
  const { metadata } = record(object);
  const { namespace, name, resourceVersion: version, annotations } = record(metadata);
  const resourceVersion = text(version);
  if (type === "ERROR") {
    const fields = statusFields(undefined, object);
    throw new KubeError(`the server ended the watch: ${fields.status} ${fields.message}`, fields);
  }
  if (!isRecord(object) || resourceVersion === "") {
    throw malformed(`a ${JSON.stringify(type)} event without object or resourceVersion`);
  }
  switch (type) {
    case "ADDED":
    case "MODIFIED":
      return { type: "put", object, resourceVersion };
    case "DELETED":
      return { type: "remove", namespace: text(namespace), name: text(name), resourceVersion };
    case "BOOKMARK":
      return {
        type: "bookmark",
        resourceVersion,
        endsList: record(annotations)["k8s.io/initial-events-end"] === "true",
      };
    default:
      throw malformed(`an event of the unknown type ${JSON.stringify(type)}`);
  }
}

function parsed(line: string): Json {
  try {
    return record(JSON.parse(line));
  } catch (cause) {
    throw malformed("a line that is not JSON", cause);
  }
}

const malformed = (what: string, cause?: unknown): KubeError =>
  new KubeError(`the watch brought ${what}`, { status: 200, reason: "Malformed", cause });
