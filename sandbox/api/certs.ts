// The sandbox's own certificate authority and a server certificate signed by it, made with the openssl program. The
// authority outlives restarts, so kubeconfigs stay valid; the server's certificate is made anew at each start.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const days = "3650";

export interface ServerCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** PEM texts for a server that is called by `names`, IP addresses or DNS names. Files stay in `directory`. */
export async function serverCertificate(
  directory: string,
  names: readonly string[],
): Promise<ServerCertificate> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = (name: string): string => join(directory, name);
  if (!existsSync(file("ca.crt"))) await makeAuthority(file("ca.key"), file("ca.crt"));
  const alternatives = names.map((name) => `${isIP(name) ? "IP" : "DNS"}:${name}`).join(",");
  await openssl(
    ["req", "-new", ...newKey, "-subj", "/CN=weft-sandbox-api"],
    ["-keyout", file("server.key"), "-out", file("server.csr")],
    ["-addext", `subjectAltName=${alternatives}`, "-addext", "extendedKeyUsage=serverAuth"],
  );
  await openssl(
    ["x509", "-req", "-in", file("server.csr"), "-out", file("server.crt"), "-days", days],
    ["-CA", file("ca.crt"), "-CAkey", file("ca.key"), "-copy_extensions", "copy"],
  );
  const [ca, cert, key] = await Promise.all(
    ["ca.crt", "server.crt", "server.key"].map((name) => readFile(file(name), "utf8")),
  );
  return { ca: ca ?? "", cert: cert ?? "", key: key ?? "" };
}

const makeAuthority = (key: string, cert: string): Promise<unknown> =>
  openssl(
    ["req", "-x509", ...newKey, "-days", days, "-subj", "/CN=weft-sandbox-ca", "-keyout", key, "-out", cert],
    ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"],
  );

/** Runs openssl with arguments in groups that belong together. */
const openssl = (...groups: readonly (readonly string[])[]): Promise<unknown> =>
  run("openssl", groups.flat());
