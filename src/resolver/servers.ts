// Addresses of DNS servers as people write them, and as resolv.conf(5) does.

import { parseIp } from "../model/ip.ts";
import type { Server } from "./upstreams.ts";

const usualPort = 53;

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`; undefined when it is none. */
export function serverOf(text: string): Server | undefined {
  const [, bracketed, plain, after] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const ip = parseIp(bracketed ?? plain ?? text);
  const port = after === undefined ? usualPort : Number(after);
  return ip && port > 0 && port < 65_536 ? { ip, port } : undefined;
}

/** The servers in a resolv.conf. An address with a zone is of use on one machine's link only, and left out. */
export const serversIn = (resolvConf: string): readonly Server[] =>
  resolvConf.split("\n").flatMap((line) => {
    const [keyword, address = ""] = line.trim().split(/\s+/);
    const ip = keyword === "nameserver" ? parseIp(address) : undefined;
    return ip ? [{ ip, port: usualPort }] : [];
  });
