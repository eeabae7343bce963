// Authenticates callers by bearer tokens from Kubernetes' static token file (`token,user,uid,"group1,group2"`). Every
// known user may do everything; the sandbox has no RBAC.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";

export interface User {
  readonly name: string;
  readonly token: string;
}

export class Authenticator {
  /** sha256 of a token -> user. Hashed, so that the time of a look-up reveals nothing about a token. */
  readonly #users: ReadonlyMap<string, User>;

  constructor(users: readonly User[]) {
    this.#users = new Map(users.map((user) => [digest(user.token), user]));
  }

  /** The user whose token the Authorization header holds. */
  userOf(authorization: string | undefined): User | undefined {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    return token === undefined ? undefined : this.#users.get(digest(token));
  }
}

const digest = (token: string): string => createHash("sha256").update(token).digest("hex");

/** The users in the token file. If there is no file, one is made with a single administrator. */
export async function tokenFileUsers(path: string): Promise<readonly User[]> {
  if (!existsSync(path)) {
    const line = `${randomBytes(24).toString("base64url")},admin,${randomUUID()},"system:masters"\n`;
    await writeFile(path, line, { mode: 0o600 });
  }
  const lines = (await readFile(path, "utf8")).split("\n").filter(Boolean);
  return lines.map((line) => {
    const [token = "", name = ""] = line.split(",");
    return { token, name };
  });
}
