// core/v1 Event.

import { numberAt, objectAt, textAt } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import { sinceText } from "../tables/age.ts";
import { defineKind, integer, text } from "./kind.ts";

const involved = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];

export const events = defineKind({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  namespaced: true,
  selectableFields: {
    ...Object.fromEntries(
      involved.map((name) => [
        `involvedObject.${name}`,
        (event: KubeObject) => textAt(event, "involvedObject", name),
      ]),
    ),
    reason: (event) => textAt(event, "reason"),
    type: (event) => textAt(event, "type"),
    reportingComponent: (event) => textAt(event, "reportingComponent"),
    source: (event) => textAt(event, "source", "component") || textAt(event, "reportingComponent"),
  },
  columns: [
    text("Last Seen", (event, now) => sinceText(lastSeen(event), now)),
    text("Type", (event) => textAt(event, "type")),
    text("Reason", (event) => textAt(event, "reason")),
    text(
      "Object",
      (event) =>
        `${textAt(event, "involvedObject", "kind").toLowerCase()}/${textAt(event, "involvedObject", "name")}`,
    ),
    text("Subobject", (event) => textAt(event, "involvedObject", "fieldPath"), 1),
    text("Source", (event) => textAt(event, "source", "component") || textAt(event, "reportingComponent"), 1),
    text("Message", (event) => textAt(event, "message").trim()),
    text(
      "First Seen",
      (event, now) => sinceText(textAt(event, "firstTimestamp") || textAt(event, "eventTime"), now),
      1,
    ),
    integer("Count", (event) => numberAt(event, "series", "count") ?? numberAt(event, "count") ?? 1, 1),
    text("Name", (event) => event.metadata.name, 1),
  ],
  validate: (event, causes) => {
    if (event["involvedObject"] === undefined) causes.required("involvedObject");
    const namespace = textAt(event, "involvedObject", "namespace") || "default";
    if (namespace !== event.metadata.namespace)
      causes.invalid(
        "involvedObject.namespace",
        objectAt(event, "involvedObject")["namespace"],
        "does not match event.namespace",
      );
  },
});

const lastSeen = (event: KubeObject): string =>
  textAt(event, "series", "lastObservedTime") || textAt(event, "lastTimestamp") || textAt(event, "eventTime");
