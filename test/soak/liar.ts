// The lying proxy of one client as a process of the sandbox, in the client's network namespace. What it says is set over
// a unix socket, which is the same file everywhere.
//
//     liar.ts PORT SOCKET API-SOCKET KUBECONFIG

import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { LyingProxy, type Saying, sayings } from "./lyingProxy.ts";

/** Tells the liar that listens on `socket` what to say. */
export async function tellLiar(socket: string, saying: Saying): Promise<void> {
  const telling = request({ socketPath: socket, method: "PUT", timeout: 5_000 });
  telling.end(saying);
  await once(telling, "response");
}

if (import.meta.main) {
  const [, , port = "", socket = "", socketPath = "", kubeconfig = ""] = process.argv;
  const { ca = "", token } = await loadKubeconfig(kubeconfig);
  const proxy = new LyingProxy({ socketPath, ca, token: (await token?.()) ?? "" });
  await proxy.listen(Number(port));
  await rm(socket, { force: true });
  const listen = async (asked: IncomingMessage, response: ServerResponse): Promise<void> => {
    const said = await text(asked);
    const saying = sayings.find((one) => one === said);
    if (saying) proxy.say(saying);
    response.writeHead(saying ? 204 : 400).end();
  };
  createServer((asked, response) => void listen(asked, response)).listen(socket);
}
