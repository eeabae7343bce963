// Whether the API server that answers is the one that this controller knows: the same cluster, and not an older state
// of it. A cluster is recognised by the UID of its namespace kube-system, which lives as long as the cluster. Versions
// of one resource can be compared as numbers (KEP-5504), so a server that goes back in time, as after a restore, shows.
// What another server does not list is not gone.

import type { Remembered } from "../model/remembered.ts";
import type { KubeClient } from "./client.ts";
import { isNotFound, KubeError } from "./error.ts";
import { record, text } from "./json.ts";
import { kinds } from "./kinds.ts";
import { pathOf, type Resource } from "./resource.ts";

/** `unknown`: nobody can tell, because kube-system may not be read or nothing is remembered. */
export type Standing = "known" | "unknown" | "other" | "does not serve the resource";

export interface ServerListener {
  /** There is doubt, or there is none any more. */
  readonly doubt?: () => void;
  /** A person or a whole comparison has found the present server right, whatever was remembered. */
  readonly believed?: () => void;
  /** What an earlier controller knew has become known. What was listed before may be older, or another server's. */
  readonly remembered?: () => void;
}

export class ApiServer {
  readonly #client: Pick<KubeClient, "get" | "list">;
  readonly #listeners = new Set<ServerListener>();
  /** plural -> the newest version seen from the server that is known */
  #versions = new Map<string, bigint>();
  /** plural -> the version in the last look */
  readonly #present = new Map<string, bigint>();
  #cluster: string | undefined;
  #presentCluster: string | undefined;
  #isProven = false;
  /** What the doubt is about (`cluster` or a plural) -> why */
  readonly #doubts = new Map<string, string>();
  /** plural -> the version of the older state when the doubt about it began */
  readonly #older = new Map<string, bigint>();
  #wasAnother = false;
  /** plural -> the next look, not begun yet: everyone who asks until then shares it */
  readonly #next = new Map<string, Promise<Standing>>();
  #looking: Promise<unknown> = Promise.resolve();

  /** `cluster`: the UID of kube-system, as an earlier process knew it. */
  constructor(client: Pick<KubeClient, "get" | "list">, cluster?: string) {
    this.#client = client;
    this.#cluster = cluster;
  }

  /** Why the present server is not believed, as a sentence; undefined when it is the known one. */
  get doubt(): string | undefined {
    return [...this.#doubts.values()][0];
  }

  /** Whether what is known of the server comes from an earlier time, and not only from its own first answers. */
  get isProven(): boolean {
    return this.#isProven;
  }

  /** What to remember; undefined while there is doubt, or nothing is known. */
  get memory(): Remembered | undefined {
    if (this.#cluster === undefined || this.#doubts.size > 0) return undefined;
    const versions = [...this.#versions].map(([plural, version]) => [plural, String(version)] as const);
    return { cluster: this.#cluster, versions: new Map(versions) };
  }

  subscribe(listener: ServerListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Looks at the server in every way there is. Rejects when it does not answer. */
  async lookAround(): Promise<void> {
    await Promise.all(Object.values(kinds).map((resource) => this.look(resource)));
  }

  /** An earlier controller knew the server by this. From now on the present one is measured by it. */
  async remember({ cluster, versions }: Remembered): Promise<void> {
    const known = new Map([...versions].flatMap(([plural, of]) => entryOf(plural, of)));
    this.#wasAnother = this.#cluster !== undefined && this.#cluster !== cluster;
    if (!this.#wasAnother)
      for (const [plural, version] of this.#versions)
        if (version > (known.get(plural) ?? 0n)) known.set(plural, version);
    this.#cluster = cluster;
    this.#versions = known;
    this.#isProven = true;
    for (const { remembered: told } of this.#listeners) told?.();
    await this.lookAround();
  }

  /**
   * Whether a list of the resource at `version` shows the known server's state of `since` or later, as far as versions tell.
   * `since` is what `known` was when the list was asked for.
   */
  isPresent(resource: Resource, version: string, since = this.known(resource)): boolean {
    const [entry] = entryOf(resource.plural, version);
    return entry === undefined || since === undefined || entry[1] >= since;
  }

  /** The newest version of the resource that the known server has shown. */
  known({ plural }: Resource): bigint | undefined {
    return this.#versions.get(plural);
  }

  /** Whether the server that answers is another cluster's. */
  get isAnother(): boolean {
    return this.#doubts.has("cluster");
  }

  /** Whether the server has come as far as this version of the resource, as of the last look at it. */
  hasReached({ plural }: Pick<Resource, "plural">, resourceVersion: string): boolean {
    const [entry] = entryOf(plural, resourceVersion);
    return entry === undefined || entry[1] <= (this.#present.get(plural) ?? entry[1]);
  }

  /** Whether the server is another one, or older than what is known of this resource. */
  isInDoubt({ plural }: Resource): boolean {
    return this.isAnother || this.#doubts.has(plural);
  }

  /** Whether what was listed before `remember` may be of another cluster. */
  get wasAnother(): boolean {
    return this.#wasAnother;
  }

  /**
   * Whether an object at `version` counts. Objects of another cluster do not. In an older state only what has changed since
   * that state was first seen counts: a server that was restored is in use again.
   */
  accepts({ plural }: Resource, version: string): boolean {
    if (this.isAnother) return false;
    const older = this.#doubts.has(plural) ? this.#older.get(plural) : undefined;
    const [entry] = entryOf(plural, version);
    return older === undefined || entry === undefined || entry[1] > older;
  }

  /** Everything of the resource up to this version is known. */
  reached({ plural }: Resource, resourceVersion: string): void {
    const [entry] = entryOf(plural, resourceVersion);
    if (entry && this.#doubts.size === 0 && entry[1] > (this.#versions.get(plural) ?? 0n))
      this.#versions.set(plural, entry[1]);
  }

  /**
   * Whether the last looks at the server (`lookAround`) showed the state that `known` is about, or a later one. Then whoever
   * knows that has seen the server that this process doubts.
   */
  showsWhat({ cluster, versions }: Remembered): boolean {
    if (this.isAnother || cluster !== this.#presentCluster) return false;
    return (
      [...this.#doubts.keys()].every((plural) => versions.has(plural)) &&
      [...versions].every(([plural, version]) => this.hasReached({ plural }, version))
    );
  }

  /** The present server is right. */
  believe(): void {
    this.#cluster = this.#presentCluster ?? this.#cluster;
    this.#versions = new Map(this.#present);
    this.#isProven = this.#cluster !== undefined;
    const hadDoubts = this.#doubts.size > 0;
    this.#doubts.clear();
    this.#older.clear();
    for (const { believed, doubt } of this.#listeners) {
      believed?.();
      if (hadDoubts) doubt?.();
    }
  }

  /** How the server stands that answers now, after this call. Rejects when it does not answer. */
  look(resource: Resource): Promise<Standing> {
    const { plural } = resource;
    const known = this.#next.get(plural);
    if (known) return known;
    const next = this.#looking.then(
      () => this.#look(resource),
      () => this.#look(resource),
    );
    this.#next.set(plural, next);
    this.#looking = next;
    return next;
  }

  async #look(resource: Resource): Promise<Standing> {
    this.#next.delete(resource.plural);
    const before = this.doubt;
    if (!(await this.#compare(resource))) return "does not serve the resource";
    // Whoever found the server behind with another resource need not list that again, and it may have caught up.
    for (const other of Object.values(kinds))
      if (other.plural !== resource.plural && this.#doubts.has(other.plural)) await this.#compare(other);
    const isIdentified = await this.#judgeCluster(resource);
    if (this.doubt !== before) for (const { doubt } of this.#listeners) doubt?.();
    if (this.#doubts.size > 0) return "other";
    return isIdentified ? "known" : "unknown";
  }

  /** Compares the server's present version with the one known. Returns whether it serves the resource. */
  async #compare(resource: Resource): Promise<boolean> {
    // What a watch tells of while the list is under way may be newer than the list.
    const known = this.#versions.get(resource.plural);
    let version: bigint | undefined;
    try {
      const page = await this.#client.list(pathOf(resource), { query: { limit: 1 } });
      version = entryOf(resource.plural, page.resourceVersion)[0]?.[1];
    } catch (error) {
      if (error instanceof KubeError && [403, 404].includes(error.status)) return false;
      throw error;
    }
    if (version !== undefined) this.#present.set(resource.plural, version);
    this.#judgeVersion(resource, version, known);
    return true;
  }

  #judgeVersion({ plural }: Resource, version: bigint | undefined, known: bigint | undefined): void {
    if (version === undefined || known === undefined || version >= known) {
      this.#doubts.delete(plural);
      this.#older.delete(plural);
      return;
    }
    if (version < (this.#older.get(plural) ?? known)) this.#older.set(plural, version);
    this.#doubts.set(
      plural,
      `the API server shows an older state than before (${plural} at version ${version}, known up to ${known})`,
    );
  }

  /** Whether the server says which cluster's it is. */
  async #judgeCluster({ plural }: Resource): Promise<boolean> {
    const found = await this.#clusterNow();
    if (found !== undefined && found !== this.#presentCluster)
      for (const other of this.#present.keys()) if (other !== plural) this.#present.delete(other);
    this.#presentCluster = found ?? this.#presentCluster;
    if (found === undefined) return false;
    this.#cluster ??= found;
    if (found === this.#cluster) this.#doubts.delete("cluster");
    else
      this.#doubts.set(
        "cluster",
        `the API server is another cluster's (its namespace kube-system has the UID ${found || "of nothing"}, known is ${this.#cluster})`,
      );
    return true;
  }

  /** The UID of kube-system, "" when there is no such namespace; undefined when it may not be read. */
  async #clusterNow(): Promise<string | undefined> {
    try {
      const { metadata } = record(await this.#client.get("/api/v1/namespaces/kube-system"));
      return text(record(metadata).uid);
    } catch (error) {
      if (isNotFound(error)) return this.#cluster === undefined ? undefined : "";
      if (error instanceof KubeError && error.status === 403) return undefined;
      throw error;
    }
  }
}

const entryOf = (plural: string, version: string): readonly (readonly [string, bigint])[] =>
  /^[1-9]\d*$/.test(version) ? [[plural, BigInt(version)]] : [];
