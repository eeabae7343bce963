// The certificates and kubeconfigs of a cluster, as kubeadm makes them ("PKI certificates and requirements" of
// Kubernetes' documents): one authority for the cluster, one for the front proxy, a key for service accounts.

import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { run } from "../../../sandbox/process/run.ts";
import { clusterDomain, type Places } from "./places.ts";

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const days = "3650";

export interface Certificate {
  /** Its files are NAME.crt and NAME.key. */
  readonly name: string;
  /** `/O=system:nodes/CN=system:node:n1`: the API server reads group and user out of it. */
  readonly subject: string;
  readonly authority: string;
  /** Of a server: its names and addresses. Without, it is a client's. */
  readonly names?: readonly string[];
}

/** Makes whatever of it is missing. */
export async function makePki(places: Places): Promise<void> {
  const { pki } = places;
  await mkdir(pki, { recursive: true, mode: 0o700 });
  await Promise.all(["ca", "front-proxy-ca"].map((name) => makeAuthority(pki, name)));
  await Promise.all([makeServiceAccountKey(pki), ...certificatesOf(places).map((each) => issue(pki, each))]);
  const local = `https://127.0.0.1:${places.layout.apiPort}`;
  const users = [
    "admin",
    "controller-manager",
    "scheduler",
    ...places.nodes.map(({ host }) => `kubelet-${host.name}`),
  ];
  await Promise.all([
    writeKubeconfig(places.kubeconfig, local, pki, "admin"),
    ...users.map((user) => writeKubeconfig(places.kubeconfigOf(user), places.server, pki, user)),
    // For `weft sandbox exec` on a node.
    ...places.nodes.map(({ host }) => writeKubeconfig(host.kubeconfig, places.server, pki, "admin")),
  ]);
}

export function certificatesOf({ controlPlane, nodes, serviceAddress }: Places): readonly Certificate[] {
  const authority = "ca";
  const service = ["", ".default", ".default.svc", `.default.svc.${clusterDomain}`];
  const apiNames = [
    "localhost",
    "127.0.0.1",
    ...controlPlane.addresses,
    ...serviceAddress(1n),
    ...service.map((domain) => `kubernetes${domain}`),
  ];
  return [
    { name: "apiserver", subject: "/CN=kube-apiserver", authority, names: apiNames },
    {
      name: "apiserver-kubelet-client",
      subject: "/O=system:masters/CN=kube-apiserver-kubelet-client",
      authority,
    },
    { name: "front-proxy-client", subject: "/CN=front-proxy-client", authority: "front-proxy-ca" },
    { name: "admin", subject: "/O=system:masters/CN=kubernetes-admin", authority },
    { name: "controller-manager", subject: "/CN=system:kube-controller-manager", authority },
    { name: "scheduler", subject: "/CN=system:kube-scheduler", authority },
    ...nodes.flatMap(({ host: { name }, addresses }): Certificate[] => {
      const subject = `/O=system:nodes/CN=system:node:${name}`;
      return [
        { name: `kubelet-${name}`, subject, authority },
        { name: `kubelet-${name}-server`, subject, authority, names: [name, ...addresses] },
      ];
    }),
  ];
}

export async function makeAuthority(folder: string, name: string): Promise<void> {
  const file = join(folder, name);
  if (existsSync(`${file}.crt`)) return;
  await run([
    ...["openssl", "req", "-x509", ...newKey, "-days", days, "-subj", `/CN=${name}`],
    ...["-keyout", `${file}.key`, "-out", `${file}.crt`],
    ...["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"],
  ]);
}

export async function issue(folder: string, { name, subject, authority, names }: Certificate): Promise<void> {
  const [file, ca] = [join(folder, name), join(folder, authority)];
  if (existsSync(`${file}.crt`)) return;
  const alternatives = names?.map((each) => `${isIP(each) ? "IP" : "DNS"}:${each}`).join();
  await run([
    ...["openssl", "req", "-new", ...newKey, "-subj", subject],
    ...["-keyout", `${file}.key`, "-out", `${file}.csr`],
    ...["-addext", `extendedKeyUsage=${names ? "serverAuth" : "clientAuth"}`],
    ...(alternatives === undefined ? [] : ["-addext", `subjectAltName=${alternatives}`]),
  ]);
  await run([
    ...["openssl", "x509", "-req", "-in", `${file}.csr`, "-out", `${file}.crt`, "-days", days],
    ...["-CA", `${ca}.crt`, "-CAkey", `${ca}.key`, "-copy_extensions", "copy"],
  ]);
}

async function makeServiceAccountKey(folder: string): Promise<void> {
  const file = join(folder, "service-accounts");
  if (existsSync(`${file}.pub`)) return;
  await run([
    "openssl",
    "genpkey",
    "-algorithm",
    "EC",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-out",
    `${file}.key`,
  ]);
  await run(["openssl", "pkey", "-in", `${file}.key`, "-pubout", "-out", `${file}.pub`]);
}

async function writeKubeconfig(
  path: string,
  server: string,
  pki: string,
  certificate: string,
): Promise<void> {
  const base64 = async (name: string): Promise<string> =>
    (await readFile(join(pki, name))).toString("base64");
  const user = {
    "client-certificate-data": await base64(`${certificate}.crt`),
    "client-key-data": await base64(`${certificate}.key`),
  };
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, kubeconfigText(server, await base64("ca.crt"), user), { mode: 0o600 });
}

/** A kubeconfig of one user; `ca` is in base64. */
export const kubeconfigText = (server: string, ca: string, user: Readonly<Record<string, string>>): string =>
  stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "weft", cluster: { server, "certificate-authority-data": ca } }],
    users: [{ name: "user", user }],
    contexts: [{ name: "weft", context: { cluster: "weft", user: "user" } }],
    "current-context": "weft",
  });
