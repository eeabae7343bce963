// What the plugin prints by itself: the answer to VERSION, and errors. Everything else is printed as the agent sent
// it. Shapes and codes are those of the CNI specification 1.1.0, section 5 ("Result types").

/** Formats of results that Weft supports, oldest first. */
export const supportedVersions = ["0.4.0", "1.0.0", "1.1.0"] as const;

const newestVersion = "1.1.0";

/** The specification's codes that the plugin itself uses; the agent has more. */
export const codes = {
  incompatibleVersion: 1,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidConfiguration: 7,
  tryAgainLater: 11,
  notAvailable: 50,
  limitedConnectivity: 51,
} as const;

/** What the plugin prints on stdout, and its exit status. */
export interface Answer {
  readonly exit: 0 | 1;
  readonly stdout: string;
}

export const isSupported = (version: string): boolean => supportedVersions.some((known) => known === version);

/** An error in the caller's format, or in the newest one when the caller's is unknown. Its message is one line. */
export function failure(code: number, msg: string, version: string, details?: string): Answer {
  const cniVersion = isSupported(version) ? version : newestVersion;
  const line = msg.replaceAll(/\s+/g, " ");
  return { exit: 1, stdout: `${JSON.stringify({ cniVersion, code, msg: line, details })}\n` };
}

/** Repeats the caller's version, as the specification says, if it is one at all. */
export function versionAnswer(version: string): Answer {
  const cniVersion = /^\d+\.\d+\.\d+$/.test(version) ? version : newestVersion;
  return { exit: 0, stdout: `${JSON.stringify({ cniVersion, supportedVersions })}\n` };
}
