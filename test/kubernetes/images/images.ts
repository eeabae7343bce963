// The images that the tests' pods ask for, by the names and versions that Kubernetes' tests know
// (test/utils/image/manifest.go).

import { join } from "node:path";
import { programFolder, versions } from "../build/versions.ts";
import type { ImageDescription } from "./archive.ts";
import type { RootContent } from "./rootFs.ts";

export interface Image extends ImageDescription, RootContent {
  readonly name: string;
}

const registry = "registry.k8s.io";
const tests = `${registry}/e2e-test-images`;
export const pauseImage = `${registry}/pause:3.10.2`;
export const coreDnsImage = `${registry}/coredns/coredns:v${versions.coredns}`;
export const agnhostImage = `${tests}/agnhost:2.66.1`;

/**
 * What the tests call in agnhost and Alpine does not have from busybox. The shell is the machine's, because Debian's busybox
 * runs its own applets whatever else is in the PATH. Its wget, static, crashes where the C library's files are.
 */
const networkPrograms = [
  "bash",
  "conntrack",
  "curl",
  "dig",
  "getent",
  "host",
  "ip",
  "iperf",
  "nc",
  "nslookup",
  "ping",
  "sh",
  "socat",
  "ss",
  "wget",
];

const built = (name: string): string => join(programFolder, name);

/** `pause` is the compiled pause.c; `source` is the folder of Kubernetes' published module. */
export const images = (pause: string, source: string): readonly Image[] => [
  {
    name: "pause",
    references: [pauseImage, `${registry}/pause:3.10.1`, `${registry}/pause:3.10`],
    entrypoint: ["/pause"],
    command: [],
    programs: [],
    busybox: false,
    files: { "/pause": pause },
  },
  {
    name: "busybox",
    references: [`${tests}/busybox:1.37.0-2`],
    entrypoint: [],
    command: ["sh"],
    programs: [],
    busybox: true,
    files: {},
  },
  {
    name: "coredns",
    references: [coreDnsImage],
    entrypoint: ["/coredns"],
    command: [],
    programs: [],
    busybox: false,
    files: { "/coredns": built("coredns") },
  },
  {
    name: "agnhost",
    references: [agnhostImage, `${tests}/agnhost:2.55`],
    entrypoint: ["/agnhost"],
    command: ["pause"],
    programs: networkPrograms,
    busybox: true,
    files: {
      "/agnhost": built("agnhost"),
      // Tests call it by both names.
      "/agnhost-2": built("agnhost"),
      "/coredns": built("coredns"),
      "/localhost.crt": join(source, "test/images/agnhost/porter/localhost.crt"),
      "/localhost.key": join(source, "test/images/agnhost/porter/localhost.key"),
    },
  },
  {
    name: "glibc-dns-testing",
    references: [`${tests}/glibc-dns-testing:2.1.1`],
    entrypoint: [],
    command: ["bash"],
    programs: networkPrograms,
    busybox: true,
    files: {},
  },
  {
    name: "regression-issue-74839",
    references: [`${tests}/regression-issue-74839:1.5`],
    entrypoint: ["/regression-issue-74839"],
    command: [],
    programs: [],
    busybox: false,
    files: { "/regression-issue-74839": built("regression-issue-74839") },
  },
];
