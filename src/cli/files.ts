// Errors about a file that a command cannot read or write: which file, why, and what to do.

import { dirname } from "node:path";
import { ConfigError } from "../config/error.ts";
import { whyUnreadable } from "../kube/config.ts";

interface NamedFile {
  /** `the backup` */
  readonly what: string;
  readonly file: string;
  /** What to do. */
  readonly next: string;
}

/** For `catch`. */
export const cannotRead =
  ({ what, file, next }: NamedFile) =>
  (cause: unknown): never => {
    throw new ConfigError(`cannot read ${what} ${file}: ${whyUnreadable(cause)}; ${next}`, { cause });
  };

/** For `catch`. */
export const cannotWrite =
  ({ what, file, next }: NamedFile) =>
  (cause: unknown): never => {
    const isFolderMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    const why = isFolderMissing ? `there is no folder ${dirname(file)}` : whyUnreadable(cause);
    throw new ConfigError(`cannot write ${what} ${file}: ${why}; ${next}`, { cause });
  };
