// What the server must know about a kind to serve it. A kind is one file beside this one and one line in table.ts, or a
// CustomResourceDefinition. Everything else (routes, discovery, OpenAPI, patches, tables, selectors) follows from this
// description.

import type { Causes } from "../causes.ts";
import type { Json, JsonObject } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import { type Decoded, decodeObject } from "../schema/decode.ts";
import { type MessageType, schema } from "../schema/schema.ts";
import type { ResourceName } from "../status.ts";
import { isDnsSubdomain } from "../validate/names.ts";

export type Subresource =
  | "status"
  | "scale"
  | "log"
  | "exec"
  | "attach"
  | "portforward"
  | "binding"
  | "eviction"
  | "ephemeralcontainers"
  | "finalize";

/** A column of `kubectl get`. One with `priority` 1 only shows with `-o wide`. */
export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly priority: 0 | 1;
  readonly cell: (object: KubeObject, now: number) => Json;
}

/** Checks a name. Returns what is wrong with it, or "". */
export type NameRule = (name: string) => string;

export interface Kind extends ResourceName {
  readonly version: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly subresources: readonly Subresource[];
  /** Whether a change of the specification increments metadata.generation. */
  readonly tracksGeneration: boolean;
  /** Undefined for custom kinds, whose strategic patches are refused. */
  readonly type: MessageType | undefined;
  /** The schema of a custom kind, for OpenAPI. */
  readonly openApi: JsonObject | undefined;
  /** Decodes a client's body into an object, and lists the fields that the kind does not have. */
  readonly decode: (body: JsonObject) => Decoded;
  readonly nameRule: NameRule;
  /** Field selectors besides metadata.name and metadata.namespace. */
  readonly selectableFields: Readonly<Record<string, (object: KubeObject) => string>>;
  readonly columns: readonly Column[];
  /** Fills in what the client left out. Called for every object that is written. */
  readonly defaults: (object: KubeObject) => KubeObject;
  /** Sets what a new object gets regardless of the client, such as a pod's phase. */
  readonly prepareCreate: (object: KubeObject) => KubeObject;
  readonly validate: (object: KubeObject, causes: Causes) => void;
  readonly validateUpdate: (object: KubeObject, old: KubeObject, causes: Causes) => void;
}

type Identity = "group" | "version" | "kind" | "plural" | "namespaced";

/** Fills in the parts of a kind's description that most kinds share. */
export function defineKind(kind: Pick<Kind, Identity> & Partial<Omit<Kind, Identity>>): Kind {
  const type = schema.get(kind.kind);
  return {
    singular: kind.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    subresources: [],
    tracksGeneration: false,
    type,
    openApi: undefined,
    decode: (body) => (type ? decodeObject(body, type) : { object: body, unknown: [] }),
    nameRule: isDnsSubdomain,
    selectableFields: {},
    columns: [],
    defaults: (object) => object,
    prepareCreate: (object) => object,
    validate: () => {},
    validateUpdate: () => {},
    ...kind,
  };
}

export const apiVersionOf = (kind: Kind): string =>
  kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;

export const hasStatus = (kind: Kind): boolean => kind.subresources.includes("status");

export const text = (name: string, cell: Column["cell"], priority: 0 | 1 = 0): Column => ({
  name,
  type: "string",
  priority,
  cell,
});

export const integer = (name: string, cell: Column["cell"], priority: 0 | 1 = 0): Column => ({
  name,
  type: "integer",
  priority,
  cell,
});
