// Asks the servers that the cluster's names come from. Each question has a socket of its own, bound to one server, so its
// port is one that the kernel chose for it, and what others send does not arrive; and it has an id of its own. An answer
// counts only with this id and this question.

import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { formatIp, type Ip } from "../model/ip.ts";
import { Frames, framed } from "./frames.ts";
import { idOf, isResponse, isSameQuestion, questionOf, withId } from "./message.ts";

export interface Server {
  readonly ip: Ip;
  readonly port: number;
}

export type Transport = "udp" | "tcp";

/** Longer than a server takes for a name that it has to ask others for; CoreDNS itself waits two seconds for one. */
const patienceMs = 1_800;

export class Upstreams {
  readonly #servers: readonly Server[];
  /** The one that answered last is asked first. */
  #first = 0;

  constructor(servers: readonly Server[]) {
    this.#servers = servers;
  }

  /** The answer to the query, with its id; undefined when no server has one. */
  async ask(query: Buffer, transport: Transport, signal: AbortSignal): Promise<Buffer | undefined> {
    const id = idOf(query);
    const { length } = this.#servers;
    // Another question may change it meanwhile.
    const first = this.#first;
    for (let nth = 0; nth < length && !signal.aborted; nth++) {
      const index = (first + nth) % length;
      const server = this.#servers[index];
      if (!server || id === undefined) continue;
      const sent = withId(query, randomInt(0x1_0000));
      const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
      const answer = await (transport === "udp" ? askByUdp : askByTcp)(server, sent, limit);
      if (!answer) continue;
      this.#first = index;
      return withId(answer, id);
    }
    return undefined;
  }
}

/** Whether the message answers what was sent. */
function answers(sent: Buffer, message: Buffer): boolean {
  if (!isResponse(message) || idOf(message) !== idOf(sent)) return false;
  const [asked, said] = [questionOf(sent), questionOf(message)];
  return asked !== undefined && said !== undefined && isSameQuestion(asked, said);
}

/** Undefined when nothing came in time. */
function askByUdp({ ip, port }: Server, sent: Buffer, limit: AbortSignal): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: ip.family === 4 ? "udp4" : "udp6" });
    const end = (answer: Buffer | undefined): void => {
      limit.removeEventListener("abort", giveUp);
      socket.removeAllListeners();
      // What comes late finds nobody.
      socket.on("error", () => undefined);
      socket.close();
      resolve(answer);
    };
    const giveUp = (): void => end(undefined);
    socket.on("error", giveUp);
    socket.on("message", (message) => {
      if (answers(sent, message)) end(message);
    });
    // Node calls this with an error, too: there may be no route.
    const connected = (error?: Error): void => (error ? giveUp() : socket.send(sent));
    socket.connect(port, formatIp(ip), connected);
    limit.addEventListener("abort", giveUp);
  });
}

function askByTcp({ ip, port }: Server, sent: Buffer, limit: AbortSignal): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: formatIp(ip), port });
    const frames = new Frames();
    const end = (answer: Buffer | undefined): void => {
      limit.removeEventListener("abort", giveUp);
      socket.destroy();
      resolve(answer);
    };
    const giveUp = (): void => end(undefined);
    socket.on("error", giveUp);
    socket.on("close", giveUp);
    socket.on("data", (chunk) => {
      const answer = frames.take(chunk).find((message) => answers(sent, message));
      if (answer) end(answer);
    });
    socket.write(framed(sent));
    limit.addEventListener("abort", giveUp);
  });
}
