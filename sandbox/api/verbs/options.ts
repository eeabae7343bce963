// What a client may ask of a write besides the object: a dry run, and how to treat unknown fields.

import { badRequest } from "../status.ts";

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly unknownFields: "Strict" | "Warn" | "Ignore";
  /** Puts a message for the client into a Warning header. */
  readonly warn: (text: string) => void;
}

export function writeOptionsOf(query: URLSearchParams, warn: (text: string) => void): WriteOptions {
  const dryRun = query.getAll("dryRun");
  if (dryRun.some((value) => value !== "All"))
    throw badRequest(`dryRun may be All only, not ${dryRun.join()}`);
  const unknownFields = query.get("fieldValidation") || "Warn";
  if (unknownFields !== "Strict" && unknownFields !== "Warn" && unknownFields !== "Ignore")
    throw badRequest(`fieldValidation may be Ignore, Strict or Warn, not ${unknownFields}`);
  return { dryRun: dryRun.length > 0, unknownFields, warn };
}
