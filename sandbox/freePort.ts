// A TCP port of 127.0.0.1 that nothing listens on now.

import { createServer } from "node:net";

export async function freePort(): Promise<number> {
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  server.close();
  return address !== null && typeof address === "object" ? address.port : 0;
}
