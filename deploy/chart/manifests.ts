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
const common = { apiServer: { host: "192.0.2.10" }, tls: { certificates: "secrets" } };
const variants = {
  overlay: { ...common, central: { node: "node-1", address: "192.0.2.10" } },
  underlay: {
    ...common,
    mode: "underlay",
    controller: {
      northbound: ["ssl:192.0.2.20:6641"],
      southbound: ["ssl:192.0.2.20:6642"],
      extraArgs: ["--cloud-router=tenant"],
    },
  },
} as const;

/** Values, and what the refusal must name. */
const refused: readonly (readonly [object, string])[] = [
  [{}, "/apiServer/host"],
  [{ ...variants.overlay, central: { node: "", address: "192.0.2.10" } }, "/central/node"],
  [{ ...variants.overlay, central: { node: "a", address: "node.example" } }, "/central/address"],
  [{ ...variants.overlay, mode: "both" }, "/mode"],
  [{ ...variants.overlay, clusterCidrs: [] }, "/clusterCidrs"],
  [{ ...variants.overlay, clusterCIDR: "10.0.0.0/8" }, "clusterCIDR"],
  [{ ...variants.underlay, controller: {} }, "/controller/northbound"],
  [{ ...variants.underlay, tls: {} }, "/tls/certificates"],
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
  console.log(flags.check ? `chart: manifests are current, ${refused.length} bad values refused` : folder);
} catch (error) {
  console.error(`weft manifests: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
