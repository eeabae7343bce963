// Objects that the API's contract tests create, and what they read from answers.

import { type JsonObject, listAt, textAt } from "../../sandbox/api/json.ts";

export const mergePatch = "application/merge-patch+json";

export const container = { name: "c", image: "none.invalid/c:1" };

/** No scheduler takes it, so it stays as it is. */
export const pod = (name: string, metadata: JsonObject = {}): JsonObject => ({
  metadata: { name, ...metadata },
  spec: { schedulerName: "nobody", containers: [container] },
});

export const configMap = (name: string, metadata: JsonObject = {}): JsonObject => ({
  metadata: { name, ...metadata },
  data: { a: "1" },
});

export const version = (object: JsonObject): string => textAt(object, "metadata", "resourceVersion");

export const uid = (object: JsonObject): string => textAt(object, "metadata", "uid");

/** `REASON FIELD` of each cause of an Invalid status. */
export const fields = (status: JsonObject): readonly string[] =>
  listAt(status, "details", "causes").map((cause) => `${textAt(cause, "reason")} ${textAt(cause, "field")}`);

export const names = (list: JsonObject): readonly string[] =>
  listAt(list, "items").map((item) => textAt(item, "metadata", "name"));
