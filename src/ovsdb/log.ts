// Where the library says what it does: a function that the program gives. It fits pino, console and tests alike.

export type LogLevel = "debug" | "info" | "warn" | "error";

export type Log = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;
