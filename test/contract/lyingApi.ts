// An API server that tells the truth until a test makes it lie: it lists nothing of a kind, or too little, or an older
// state, or does not serve the kind; or it is another cluster's: empty, in use, or with the same objects. Its watches follow the truth. "stale" is one
// member of several that is behind: it lists an older state, and all other answers are those of the others.

import { hash } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { AnnotationPatch } from "../../src/decide/durable.ts";
import { KubeError } from "../../src/kube/error.ts";
import { type Json, list, record, text } from "../../src/kube/json.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { leases } from "../../src/kube/resource.ts";
import type { ApiObject } from "./clusterObjects.ts";
import { type Answer, json, type Scripted, scripted, status } from "./kubeScript.ts";

export const lies = ["nothing", "less", "older", "stale", "not served"] as const;
export type Lie = (typeof lies)[number];

/** The UID of kube-system in the cluster that it tells the truth about. */
export const clusterUid = "this";

/** Longer than everything else takes that happens at a start. */
const lateMs = 300;

/** Another cluster: "same" has the same objects and only another identity. */
export const others = ["empty", "used", "same"] as const;
export type Another = (typeof others)[number];
const versionOf = { empty: 7, used: 9_000 };

const keyOf = (object: Json): string => {
  const { namespace, name } = record(object.metadata);
  return `${text(namespace)}/${text(name)}`;
};

export class LyingApi implements AsyncDisposable {
  /** plural -> key -> object */
  readonly #objects = new Map<string, Map<string, Json>>();
  /** What an older list shows, and its version. Another cluster in use has the same. */
  readonly #older = new Map<string, readonly Json[]>();
  #olderVersion = 50;
  readonly #watches = new Map<ServerResponse, string>();
  /** What happened, for whoever begins to watch later. */
  readonly #past: { readonly plural: string; readonly version: number; readonly event: object }[] = [];
  /** plural -> what lists of it say */
  readonly #lies = new Map<string, Lie>();
  /** The kind whose objects are slow to be had by name. */
  #late: string | undefined;
  #version = 100;
  /** Watches from before this version have to list again. */
  #forgotten = 0;
  #another: Another | undefined;
  #server: Scripted | undefined;

  static async start(objects: readonly ApiObject[]): Promise<LyingApi> {
    const api = new LyingApi();
    for (const one of objects) api.put(one);
    api.#server = await scripted([(response, seen) => api.#answerTo(seen.path, seen.query)(response, seen)]);
    return api;
  }

  get url(): string {
    return this.#server?.url ?? "";
  }

  put({ plural, object }: ApiObject): void {
    const of = this.#objects.get(plural) ?? new Map<string, Json>();
    this.#objects.set(plural, of);
    const key = keyOf(object);
    const resourceVersion = String(++this.#version);
    const uid = `uid-${hash("sha256", `${plural} ${key}`, "hex").slice(0, 8)}`;
    const stored = { ...object, metadata: { uid, ...record(object.metadata), resourceVersion } };
    const type = of.has(key) ? "MODIFIED" : "ADDED";
    of.set(key, stored);
    this.#send(plural, { type, object: stored });
  }

  delete(plural: string, key: string): void {
    const object = this.#objects.get(plural)?.get(key);
    this.#objects.get(plural)?.delete(key);
    const metadata = { ...record(object?.metadata), resourceVersion: String(++this.#version) };
    if (object) this.#send(plural, { type: "DELETED", object: { ...object, metadata } });
  }

  annotationsOf(plural: string, key: string): Readonly<Record<string, string>> {
    const { annotations } = record(this.#objects.get(plural)?.get(key)?.metadata);
    return Object.fromEntries(
      Object.entries(record(annotations)).map(([name, value]) => [name, text(value)]),
    );
  }

  /** Writes annotations, as a patch with the same preconditions does. */
  annotate({ kind, namespace, name, uid, annotations, ifVersion }: AnnotationPatch): void {
    const { plural } = kinds[kind];
    const object = this.#foreign ? undefined : this.#objects.get(plural)?.get(`${namespace}/${name}`);
    const metadata = record(object?.metadata);
    if (
      !object ||
      metadata.uid !== uid ||
      (ifVersion ?? metadata.resourceVersion) !== metadata.resourceVersion
    )
      throw new KubeError(`${plural} ${name}: Conflict`, { status: 409, reason: "Conflict" });
    this.put({
      plural,
      object: {
        ...object,
        metadata: { ...metadata, annotations: { ...record(metadata.annotations), ...annotations } },
      },
    });
  }

  /** The version of what older lists show. */
  get olderVersion(): number {
    return this.#olderVersion;
  }

  /** What older lists will show is the present state. */
  remember(): void {
    for (const [plural, of] of this.#objects) this.#older.set(plural, [...of.values()]);
    this.#olderVersion = this.#version;
  }

  /** From now on lists lie, and everybody has to list again. Who asks for one of `late` by name waits. */
  lie(said: Readonly<Record<string, Lie>>, late?: string): void {
    this.#late = late;
    this.#lies.clear();
    for (const [plural, lie] of Object.entries(said)) this.#lies.set(plural, lie);
    this.#cut();
  }

  /** From now on a server of another cluster answers. */
  replace(by: Another): void {
    this.#another = by;
    this.#cut();
  }

  tellTheTruth(): void {
    this.lieNoMore();
    this.#cut();
  }

  /** The truth, but the watches that went on from a lie go on. */
  lieNoMore(): void {
    this.#late = undefined;
    this.#lies.clear();
    this.#another = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const response of this.#watches.keys()) response.destroy();
    await this.#server?.[Symbol.asyncDispose]();
  }

  /** Ends all watches, also those of who could not watch before. */
  #cut(): void {
    this.#forgotten = ++this.#version;
    for (const response of this.#watches.keys()) response.destroy();
    this.#watches.clear();
  }

  #send(plural: string, event: object): void {
    this.#past.push({ plural, version: this.#version, event });
    for (const [response, of] of this.#watches)
      if (of === plural) response.write(`${JSON.stringify(event)}\n`);
  }

  #answerTo(path: string, query: URLSearchParams): Answer {
    if (path === "/api/v1/namespaces/kube-system")
      return json({ metadata: { name: "kube-system", uid: this.#another ? "another" : clusterUid } });
    const kind = [...Object.values(kinds), leases].find(({ prefix }) => path.startsWith(`${prefix}/`));
    const words = path.slice((kind?.prefix.length ?? 0) + 1).split("/");
    const [namespace = "", plural = "", name = ""] =
      words[0] === "namespaces" && words.length > 2 ? words.slice(1) : ["", ...words];
    if (name !== "") return this.#named(plural, `${namespace}/${name}`);
    if (this.#lies.get(plural) === "not served") return status(404, "NotFound");
    const [, address] = /^status\.podIP=(.*)$/.exec(query.get("fieldSelector") ?? "") ?? [];
    if (address !== undefined) return json(this.#podsAt(address));
    return query.has("watch")
      ? this.#watch(plural, query)
      : json(this.#list(plural, query.get("limit") === "1"));
  }

  #named(plural: string, key: string): Answer {
    const older = this.#older.get(plural)?.find((one) => keyOf(one) === key);
    const object = this.#showsOlder(plural)
      ? older
      : this.#foreign
        ? undefined
        : this.#objects.get(plural)?.get(key);
    if (!object || this.#lies.get(plural) === "not served") return status(404, "NotFound");
    if (plural !== this.#late) return json(object);
    return (response, seen) => void setTimeout(() => json(object)(response, seen), lateMs);
  }

  /** As true as an answer about one name. */
  #podsAt(address: string): { readonly metadata: Json; readonly items: readonly Json[] } {
    const all = this.#foreign ? [] : [...(this.#objects.get("pods")?.values() ?? [])];
    const items = all.filter(({ status: of }) =>
      list(record(of).podIPs).some((one) => record(one).ip === address),
    );
    return { metadata: { resourceVersion: String(this.#version) }, items };
  }

  get #foreign(): keyof typeof versionOf | undefined {
    return this.#another === "same" ? undefined : this.#another;
  }

  /** Whether whatever is said of the kind is of the older state. */
  #showsOlder(plural: string): boolean {
    return this.#another === "used" || (!this.#another && this.#lies.get(plural) === "older");
  }

  /** `isLook`: somebody only wants to know the version. */
  #list(plural: string, isLook: boolean): { readonly metadata: Json; readonly items: readonly Json[] } {
    const all = [...(this.#objects.get(plural)?.values() ?? [])];
    const lie = this.#another === "empty" ? "nothing" : this.#lies.get(plural);
    const isOlder = this.#showsOlder(plural) || (lie === "stale" && !isLook);
    const items = isOlder
      ? (this.#older.get(plural) ?? [])
      : lie === "nothing"
        ? []
        : lie === "less"
          ? all.filter((_, index) => index % 2 > 0)
          : all;
    const version = this.#foreign ? versionOf[this.#foreign] : isOlder ? this.#olderVersion : this.#version;
    return { metadata: { resourceVersion: String(version) }, items };
  }

  #watch(plural: string, query: URLSearchParams): Answer {
    if (query.has("sendInitialEvents")) return status(422, "Invalid");
    const from = Number(query.get("resourceVersion"));
    const lied = this.#foreign ? versionOf[this.#foreign] : this.#olderVersion;
    const lie = this.#lies.get(plural);
    const isLying = this.#foreign !== undefined || lie === "older" || lie === "stale";
    const isKnown = isLying ? from === lied : from >= this.#forgotten;
    if (!isKnown) return status(410, "Expired");
    return (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      for (const { plural: of, version, event } of isLying ? [] : this.#past)
        if (of === plural && version > from) response.write(`${JSON.stringify(event)}\n`);
      this.#watches.set(response, plural);
      response.on("close", () => this.#watches.delete(response));
    };
  }
}
