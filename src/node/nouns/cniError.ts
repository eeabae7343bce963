// An error with a code of the CNI specification (1.1.0, section "Error"). The specification defines the codes below
// 100; a runtime uses them to decide whether to try again. People read the message in the Events of their pod, so whatever
// it quotes, it is one line.

export const cniCode = {
  incompatibleVersion: 1,
  /** The runtime need not clean up after it. */
  unknownContainer: 3,
  invalidEnvironment: 4,
  decodingFailure: 6,
  invalidConfiguration: 7,
  tryAgainLater: 11,
  notAvailable: 50,
  /** Weft's own: CHECK found something other than what ADD made. */
  notAsAttached: 100,
  /** Weft's own: the work failed, and a retry may or may not help. */
  failed: 101,
} as const;

export class CniError extends Error {
  override readonly name = "CniError";
  readonly code: number;
  readonly details: string | undefined;

  constructor(
    code: number,
    message: string,
    options?: { readonly details?: string; readonly cause?: unknown },
  ) {
    super(oneLine(message), { cause: options?.cause });
    this.code = code;
    this.details = options?.details === undefined ? undefined : oneLine(options.details);
  }
}

/** A configuration may be quoted, and have any size. */
const longest = 1000;

function oneLine(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
  return line.length > longest ? `${line.slice(0, longest)} …` : line;
}

/** `error` as a CniError. Other errors get a code that does not promise that a retry helps. */
export const asCniError = (error: unknown): CniError =>
  error instanceof CniError
    ? error
    : new CniError(cniCode.failed, error instanceof Error ? error.message : String(error), { cause: error });
