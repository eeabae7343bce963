// How a command ends: 0 yes, 1 no, 2 cannot tell or could not start. An error is one sentence on standard error;
// WEFT_DEBUG=1 adds the stack.

export const exitCodes = { yes: 0, no: 1, cannotTell: 2 } as const;

/** Ends the process, even with open connections. */
export function fail(error: unknown): never {
  const sentence = error instanceof Error ? error.message : String(error);
  console.error(`weft: ${sentence}`);
  if (process.env["WEFT_DEBUG"] && error instanceof Error) console.error(error.stack);
  process.exit(exitCodes.cannotTell);
}
