/** A configuration that makes no sense: the message says which part, and what it should be. Nothing starts with it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
