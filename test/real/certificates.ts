// Certificates for a test, made by openssl: NAME and NAME-key in a folder.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./ovsdbServer.ts";

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A self-signed authority. */
export async function createAuthority(folder: string, name: string): Promise<void> {
  const file = join(folder, name);
  await run("openssl", [
    ...["req", "-x509", ...newKey, "-days", "2", "-subj", `/CN=${name}`],
    ...["-keyout", `${file}-key`, "-out", file],
  ]);
}

/** A certificate for NAME.example.org with NAME as its common name. With -1 days it has expired. */
export async function createCertificate(
  folder: string,
  name: string,
  authority: string,
  days = 2,
): Promise<void> {
  const [file, signer] = [join(folder, name), join(folder, authority)];
  const names = `subjectAltName=DNS:${name}.example.org`;
  await run("openssl", [
    ...["req", ...newKey, "-subj", `/CN=${name}`, "-addext", names],
    ...["-keyout", `${file}-key`, "-out", `${file}-request`],
  ]);
  await writeFile(`${file}-names`, names);
  await run("openssl", [
    ...["x509", "-req", "-in", `${file}-request`, "-CA", signer, "-CAkey", `${signer}-key`],
    ...["-CAcreateserial", "-days", String(days), "-extfile", `${file}-names`, "-out", file],
  ]);
}
