// Joins a port on 127.0.0.1 to a unix socket, byte for byte, so that kubectl on the machine reaches the Kubernetes API
// inside a namespace without a link or a route between the two. TLS passes through untouched.
//
//     relay.ts PORT SOCKET

import { connect, createServer, type Socket } from "node:net";

const [, , port = "", path = ""] = process.argv;

function join(client: Socket, server: Socket): void {
  client.pipe(server).pipe(client);
  // The pipe passes on the end of each stream. A broken connection is passed on as a broken connection.
  client.on("error", () => server.destroy());
  server.on("error", () => client.destroy());
}

createServer({ allowHalfOpen: true }, (client) =>
  join(client, connect({ path, allowHalfOpen: true })),
).listen(Number(port), "127.0.0.1", () => console.log(`127.0.0.1:${port} leads to ${path}`));
