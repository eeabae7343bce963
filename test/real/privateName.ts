// Names for what a test makes on the machine, which other test runs may share: each name identifies its run and its
// file.

/** Set by test/run.ts: four characters that all names of one run contain. */
const run = process.env["WEFT_TEST_RUN"] ?? "";

/** A name for a sandbox: the start of `what`, then the run, then this process. At most 12 characters. */
export const privateName = (what: string): string =>
  `${what.slice(0, 7 - run.length)}${ownSuffix(run, process.pid)}`;

/** How the names of one process end. */
export const ownSuffix = (tag: string, pid: number): string => `${tag}${pid.toString(36)}`;
