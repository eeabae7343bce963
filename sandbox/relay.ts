// Joins a port on 127.0.0.1 to a unix socket, or a socket to a port, byte for byte, so that kubectl on the machine reaches
// the Kubernetes API inside a namespace without a link or a route between the two. TLS passes through untouched.
//
//     relay.ts FROM TO     a number is a port, anything else the path of a socket

import { rmSync } from "node:fs";
import { connect, createServer, type ListenOptions, type Socket } from "node:net";

const [, , from = "", to = ""] = process.argv;

const place = (text: string): { port: number; host: string } | { path: string } =>
  /^\d+$/.test(text) ? { port: Number(text), host: "127.0.0.1" } : { path: text };

function join(client: Socket, server: Socket): void {
  client.pipe(server).pipe(client);
  // The pipe passes on the end of each stream. A broken connection is passed on as a broken connection.
  client.on("error", () => server.destroy());
  server.on("error", () => client.destroy());
}

const listening: ListenOptions = place(from);
// A relay that was killed has left its socket.
if (listening.path !== undefined) rmSync(listening.path, { force: true });
createServer({ allowHalfOpen: true }, (client) =>
  join(client, connect({ ...place(to), allowHalfOpen: true })),
).listen(listening, () => console.log(`${from} leads to ${to}`));
