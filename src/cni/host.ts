// All of the system that the plugin sees: the functions of executable.c.

interface Host {
  /** The environment variable; "" when it is not set. */
  readonly variable: (name: string) => string;
  /** All of stdin. Throws when it cannot be read. */
  readonly input: () => string;
  /** Writes `stdout`, and sets the status with which the program will end. */
  readonly answer: (stdout: string, exitStatus: number) => void;
  /** What the file contains; undefined when it cannot be read. */
  readonly file: (path: string) => string | undefined;
  readonly exists: (path: string) => boolean;
  /** Whether a process listens on the unix socket. */
  readonly listens: (socket: string) => boolean;
  readonly pause: (milliseconds: number) => void;
  /**
   * Sends `text` to the unix socket and returns all that comes back. Throws when there is no connection, or when nothing
   * comes for `limitMs`.
   */
  readonly exchange: (socket: string, text: string, limitMs: number) => string;
}

declare global {
  var host: Host;
}

export const { host } = globalThis;
