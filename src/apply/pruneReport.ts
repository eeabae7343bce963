// What the prune guard holds, for people: how much of what, and why.

import type { RowMap } from "../desired/rowMap.ts";
import type { Reason } from "./heldRows.ts";

export interface PruneHeld {
  readonly rows: number;
  /** The number of Weft's rows in the database. */
  readonly of: number;
  readonly tables: ReadonlyMap<string, number>;
  /** Names of some of the rows. */
  readonly examples: readonly string[];
  readonly message: string;
}

export interface ReportOptions {
  /** The rows whose deletion is held, and those that would lose part of a column -> why. */
  readonly lessened: RowMap<Reason>;
  /** The number of Weft's rows in the database. */
  readonly owned: number;
  readonly nameOf: (table: string, uuid: string) => string;
  /** Beyond this share of the rows, what is missing needs approval. */
  readonly share: number;
  /** Why no absence counts as confirmed at present. */
  readonly suspended: string | undefined;
}

const maxExamples = 5;

export function pruneReport(options: ReportOptions): PruneHeld {
  const { lessened, owned, nameOf } = options;
  const rows = lessened.size;
  const tables = lessened.counts();
  const examples = [...lessened.entries()].slice(0, maxExamples).map(([table, uuid]) => nameOf(table, uuid));
  const counts = [...tables].map(([table, count]) => `${count} ${table}`).join(", ");
  return {
    rows,
    of: owned,
    tables,
    examples,
    message: `deletion of ${rows} of ${owned} rows is held (${counts}; such as ${examples.join(", ")}): ${why(options)}`,
  };
}

function why({ lessened, share, suspended }: ReportOptions): string {
  if (suspended !== undefined) return suspended;
  const few =
    "If they should go, approve the deletion; if not, find out why Kubernetes no longer lists their objects";
  const reasons = new Set(lessened.values());
  if (reasons.has("untrusted"))
    return `the API server does not list their objects, and does not say that they are gone. ${few}`;
  if (!reasons.has("missing"))
    return "their owners cannot be planned; the log and the Events of their objects say why";
  return `more than ${share * 100} %. ${few}`;
}
