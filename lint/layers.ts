// Which folder of src/ may import which others, one line each; `type kube` allows types only. A folder inside a folder
// has a line where its neighbours matter: towards the rest of src/ its parent's line holds, and it may import no file
// that stands beside it. oxlint.config.ts makes the linter's rules of this table.

export const layers: Readonly<Record<string, readonly string[]>> = {
  model: [],
  health: [],
  ovsdb: [],
  ovn: ["ovsdb"],
  kube: ["model"],
  config: ["model", "ovsdb", "kube"],
  select: ["model", "kube"],
  observe: ["model", "ovsdb", "ovn", "type kube"],
  decide: ["model", "config", "kube", "select", "observe"],
  plan: ["model", "ovn", "type kube", "type select", "type observe"],
  desired: ["model"],
  apply: ["model", "ovsdb", "ovn", "desired"],
  cloud: ["model", "ovsdb", "ovn", "kube", "observe", "plan"],
  kinds: [
    "model",
    "config",
    "ovsdb",
    "ovn",
    "kube",
    "select",
    "observe",
    "decide",
    "plan",
    "desired",
    "cloud",
  ],
  controller: [
    ...["model", "health", "config", "ovsdb", "ovn", "kube", "select", "observe"],
    ...["decide", "plan", "desired", "apply", "cloud", "kinds"],
  ],
  node: ["model", "health", "config", "ovsdb", "ovn", "kube"],
  "node/wait": [],
  "node/nouns": ["node/wait"],
  "node/ovs": ["node/wait", "node/nouns"],
  "node/host": ["node/wait", "node/nouns", "node/ovs"],
  "node/health": ["node/wait", "node/nouns", "node/ovs", "node/host"],
  "node/uplink": ["node/wait", "node/nouns", "node/ovs", "node/host"],
  "node/pool": ["node/wait", "node/nouns", "node/ovs", "node/host"],
  "node/wayIn": ["node/wait", "node/nouns", "node/ovs", "node/host"],
  "node/cleanup": ["node/wait", "node/nouns", "node/ovs", "node/host", "node/wayIn"],
  "node/runtime": ["node/wait", "node/nouns", "node/ovs", "node/host", "type node/health", "node/pool"],
  central: ["model", "ovsdb", "kube", "node"],
  signer: ["model", "kube"],
  resolver: ["model", "kube"],
  backup: ["model", "ovsdb", "ovn", "apply"],
  cni: [],
  check: ["model", "config", "ovsdb", "ovn", "kube", "node", "signer"],
  cli: [
    ...["model", "health", "config", "ovsdb", "ovn", "kube", "select", "observe"],
    ...[
      "decide",
      "plan",
      "desired",
      "apply",
      "cloud",
      "kinds",
      "controller",
      "node",
      "check",
      "signer",
      "resolver",
      "central",
      "backup",
    ],
  ],
};

/** One entry of the rule no-restricted-imports. */
export interface Refusal {
  group: string[];
  message: string;
  allowTypeImports?: boolean;
}

const parentOf = (layer: string): string | undefined => layer.split("/").slice(0, -1).join("/") || undefined;

/** What the files of `layer` may not import. */
export function refusalsOf(layer: string): Refusal[] {
  const parent = parentOf(layer);
  const allowed = new Set([layer, parent, ...[layer, parent ?? layer].flatMap((line) => layers[line] ?? [])]);
  const refused = Object.keys(layers).filter(
    (other) => !allowed.has(other) && [undefined, parent].includes(parentOf(other)),
  );
  return [
    ...refused.map((other) => {
      const paths = parentOf(other) ? ["../"] : ["../", "../../", "../../../"];
      const typesOnly = allowed.has(`type ${other}`);
      return {
        group: paths.map((path) => `${path}${other.split("/").at(-1)}/**`),
        message: `${layer}/ may not import ${other}/${typesOnly ? ", but for types" : ""} (lint/layers.ts)`,
        ...(typesOnly && { allowTypeImports: true }),
      };
    }),
    ...(parent ? [{ group: ["../*.ts"], message: `${layer}/ may not import the files beside it` }] : []),
    { group: ["**/sandbox/**", "**/test/**", "**/bench/**"], message: "src/ imports none of its users" },
  ];
}
