// A file that does not exist is often no error.

/** For `catch`: undefined when there is no such file; anything else is thrown on. */
export function nothingIfAbsent(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
