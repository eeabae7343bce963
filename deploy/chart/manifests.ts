// The plain manifests, made from the chart: `make manifests` writes deploy/manifests/, and with --check (`make
// chart-test`) compares. Secrets are not among them: keys are for whoever installs to make (docs/install.md).

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { run, tryRun } from "../../sandbox/process/run.ts";

const here = import.meta.dirname;
const chart = join(here, "../helm/weft");
const folder = join(here, "../manifests");

/** Addresses of a documentation range (RFC 5737), for the reader to replace. */
const common = { apiServer: { host: "192.0.2.10" } };
const variants = {
  overlay: { ...common, central: { nodes: [{ name: "node-1", address: "192.0.2.10" }] } },
  underlay: {
    ...common,
    mode: "underlay",
    tls: { certificates: "secrets" },
    controller: {
      northbound: ["ssl:192.0.2.20:6641"],
      southbound: ["ssl:192.0.2.20:6642"],
      extraArgs: ["--cloud-router=tenant"],
    },
  },
} as const;

const three = [10, 11, 12].map((last) => ({ name: `node-${last}`, address: `192.0.2.${last}` }));

/** Values, and what the refusal must name. */
const refused: readonly (readonly [object, string])[] = [
  [{}, "/apiServer/host"],
  [{ ...variants.overlay, central: {} }, "/central/nodes"],
  [
    { ...variants.overlay, central: { nodes: [{ name: "", address: "192.0.2.10" }] } },
    "/central/nodes/0/name",
  ],
  [
    { ...variants.overlay, central: { nodes: [{ name: "a", address: "node.example" }] } },
    "/central/nodes/0/address",
  ],
  [{ ...variants.overlay, central: { nodes: three.slice(0, 2) } }, "/central/nodes"],
  [{ ...variants.overlay, mode: "both" }, "/mode"],
  [{ ...variants.overlay, clusterCidrs: [] }, "/clusterCidrs"],
  [{ ...variants.overlay, clusterCIDR: "10.0.0.0/8" }, "clusterCIDR"],
  [{ ...variants.underlay, controller: {} }, "/controller/northbound"],
  [{ ...variants.underlay, tls: {} }, "/tls/certificates"],
  [{ ...variants.overlay, tls: { signer: { life: "90" } } }, "/tls/signer/life"],
  [{ ...variants.overlay, tls: { certificates: "certManager" } }, "/tls/certManager/issuers/central/name"],
];

/** Values that nobody's manifest has, and texts that must and must not come of them. */
const rendered: readonly (readonly [values: object, parts: readonly string[], absent: readonly string[]])[] =
  [
    [
      {
        ...variants.overlay,
        tls: {
          certificates: "certManager",
          certManager: {
            issuers: { central: { name: "vault", kind: "ClusterIssuer" }, nodes: { name: "weft-nodes" } },
          },
        },
      },
      [
        ...["central", "controller", "node"].map((name) => `secretName: weft-${name}-tls`),
        "{ name: vault, kind: ClusterIssuer, group: cert-manager.io }",
        "{ name: weft-nodes, kind: Issuer, group: cert-manager.io }",
        'ipAddresses: ["192.0.2.10"]',
        "name: weft-trust",
      ],
      ["weft-signer", "weft-authorities"],
    ],
    [
      { ...variants.overlay, central: { nodes: three } },
      [
        "replicas: 3",
        "podManagementPolicy: Parallel",
        'values: ["node-10", "node-11", "node-12"]',
        'MEMBERS, value: "node-10=192.0.2.10,node-11=192.0.2.11,node-12=192.0.2.12"',
        '{ name: NORTHBOUND, value: "ssl:192.0.2.10:6641,ssl:192.0.2.11:6641,ssl:192.0.2.12:6641" }',
        "--southbound=ssl:192.0.2.10:6642,ssl:192.0.2.11:6642,ssl:192.0.2.12:6642",
        "--addresses=192.0.2.10,192.0.2.11,192.0.2.12",
      ],
      ["unix:/run/ovn", "CLUSTERED"],
    ],
  ];

const { values: flags } = parseArgs({
  options: { helm: { type: "string", default: "helm" }, check: { type: "boolean", default: false } },
});
const template = [
  flags.helm,
  "template",
  "weft",
  chart,
  "--namespace=kube-system",
  "--include-crds",
  "--values=-",
];

try {
  for (const [name, values] of Object.entries(variants)) {
    const file = join(folder, `${name}.yaml`);
    const text = `# Made from the chart by \`make manifests\`. Do not edit.\n${await run(template, { input: JSON.stringify(values) })}`;
    if (!flags.check) writeFileSync(file, text);
    else if (readFileSync(file, "utf8") !== text)
      throw new Error(`${file} is not what the chart makes; run: make manifests`);
  }
  for (const [values, named] of flags.check ? refused : []) {
    const { status, stderr } = await tryRun(template, { input: JSON.stringify(values) });
    if (status === 0 || !stderr.includes(named))
      throw new Error(`${JSON.stringify(values)} must be refused with a word on ${named}: ${stderr}`);
  }
  for (const [values, parts, absent] of flags.check ? rendered : []) {
    const text = await run(template, { input: JSON.stringify(values) });
    const missing = parts.filter((part) => !text.includes(part));
    const unwanted = absent.filter((part) => text.includes(part));
    if (missing.length + unwanted.length > 0)
      throw new Error(
        `${JSON.stringify(values)}: the chart lacks ${missing.join(", ") || "nothing"}, and has ${unwanted.join(", ") || "nothing"} that it should not`,
      );
  }
  console.log(flags.check ? `chart: manifests are current, ${refused.length} bad values refused` : folder);
} catch (error) {
  console.error(`weft manifests: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
