// Readers for JSON of unknown shape: each returns the value or its absence, and never throws. Written by hand instead
// of with a schema library, because a projection runs for every object of a large cluster.

export type Json = Readonly<Record<string, unknown>>;

const nothing: Json = Object.freeze({});

export const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const record = (value: unknown): Json => (isRecord(value) ? value : nothing);

export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const text = (value: unknown): string => (typeof value === "string" ? value : "");

export const texts = (value: unknown): string[] => list(value).filter((item) => typeof item === "string");

/** The whole number in `value` if it lies in the range. */
export const integer = (value: unknown, from: number, to: number): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value >= from && value <= to ? value : undefined;

/** `value` if it is one of `choices`. */
export const oneOf = <T extends string>(choices: readonly T[], value: unknown): T | undefined =>
  choices.find((choice) => choice === value);
