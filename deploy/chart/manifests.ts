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
    clusterId: "shop",
    cloud: {
      router: "shop-router",
      northbound: ["ssl:192.0.2.20:6641"],
      southbound: ["ssl:192.0.2.20:6642"],
    },
  },
} as const;

/** Beside each of them, for those who want it. */
const additions = {
  resolver: {
    values: { ...variants.overlay, resolver: { enabled: true } },
    only: ["--show-only", "templates/resolver.yaml"],
  },
} as const;

const three = [10, 11, 12].map((last) => ({ name: `node-${last}`, address: `192.0.2.${last}` }));

/** Values, and what the refusal must say. */
const refused: readonly (readonly [values: object, ...words: readonly string[]])[] = [
  [{}, "/apiServer/host"],
  [{ ...variants.overlay, central: {} }, "central.nodes: 0 given"],
  [
    { ...variants.overlay, central: { nodes: [{ name: "", address: "192.0.2.10" }] } },
    "/central/nodes/0/name",
  ],
  [
    { ...variants.overlay, central: { nodes: [{ name: "a", address: "node.example" }] } },
    "/central/nodes/0/address",
  ],
  [{ ...variants.overlay, central: { nodes: three.slice(0, 2) } }, "central.nodes: 2 given"],
  [
    { ...variants.overlay, central: { nodes: three.map((node) => ({ ...node, address: "192.0.2.9" })) } },
    "central.nodes: two have the same address",
  ],
  [{ ...variants.overlay, mode: "both" }, "/mode"],
  [{ ...variants.overlay, clusterCidrs: [] }, "/clusterCidrs"],
  [{ ...variants.overlay, clusterCIDR: "10.0.0.0/8" }, "clusterCIDR"],
  [{ ...variants.overlay, tls: { signer: { life: "90" } } }, "/tls/signer/life"],
  [
    { ...variants.overlay, tls: { certificates: "certManager" } },
    ...["central", "nodes"].map((issuer) => `tls.certManager.issuers.${issuer}.name: the name`),
  ],
  [{ ...variants.overlay, controller: { replicas: 0 } }, "controller.replicas: 0 only with mode: underlay"],
  [
    { ...variants.overlay, cloud: variants.underlay.cloud },
    ...["router", "northbound", "southbound"].map((part) => `cloud.${part}: only with mode: underlay`),
  ],
  [
    { ...variants.underlay, cloud: {} },
    "cloud.router: the name of the tenant's router is missing",
    "cloud.northbound: the cloud's northbound database is missing, for example ssl:192.0.2.20:6641",
    "cloud.southbound: the cloud's southbound database is missing, for example ssl:192.0.2.20:6642",
  ],
  [
    { ...variants.underlay, cloud: { ...variants.underlay.cloud, northbound: ["tcp:192.0.2.20:6641"] } },
    "/cloud/northbound/0",
  ],
  [{ ...variants.underlay, cloud: { ...variants.underlay.cloud, secret: "" } }, "/cloud/secret"],
  [{ ...variants.overlay, gateway: "host" }, "/gateway"],
  [{ ...variants.overlay, resolver: { replicas: 0 } }, "/resolver/replicas"],
  [{ ...variants.overlay, resolver: { upstream: ["dns.example"] } }, "/resolver/upstream/0"],
  [{ ...variants.underlay, gateway: "local" }, "gateway: local only with mode: overlay"],
  [{ ...variants.underlay, clusterId: "weft" }, "clusterId: choose one that no other cluster"],
  [{ ...variants.underlay, central: variants.overlay.central }, "central: only with mode: overlay"],
  [
    { ...variants.underlay, tls: { certificates: "certManager" } },
    "tls.certificates: only with mode: overlay",
  ],
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
        "configMap: { name: weft-trust, items: [{ key: ca.crt, path: ca.crt }] }",
        "configMap: { name: weft-trust-clients, items: [{ key: ca.crt, path: clients.crt }] }",
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
    [
      variants.underlay,
      [
        "--cluster=shop",
        "--cloud-router=shop-router",
        '{ name: OVN_NB_DB, value: "ssl:192.0.2.20:6641" }',
        '{ name: OVN_SB_DB, value: "ssl:192.0.2.20:6642" }',
        "secretName: weft-cloud-tls",
        "replicas: 2",
        "weft-shop-agent-",
      ],
      [
        "weft-central",
        "weft-signer",
        "weft-node-tls",
        "weft-start, controller",
        "northd",
        "geneve",
        "teardown",
      ],
    ],
    [
      {
        ...variants.overlay,
        apiServer: { host: "2001:db8::10" },
        node: { uplink: { move: true, interface: "bond0" } },
      },
      ["--verify=[2001:db8::10]:6443", "--uplink=bond0", "--datapath=system"],
      ["--undo"],
    ],
    [
      { ...variants.overlay, node: { selector: { network: "weft" } } },
      ["nodeSelector:\n        network: weft\n"],
      [],
    ],
    [
      { ...variants.underlay, cloud: {}, controller: { replicas: 0 } },
      ["name: weft-node", "name: weft-controller"],
      ["kind: Deployment", "kind: PodDisruptionBudget", "weft-cloud-tls"],
    ],
    [
      {
        ...variants.underlay,
        clusterCidrs: ["fd00:10:244::/48"],
        resolver: {
          enabled: true,
          clusterIP: "fd00:96::53",
          upstream: ["2001:db8::53", "[2001:db8::54]:5353"],
        },
      },
      [
        "--listen=[::]:5300",
        "--metrics-address=[::]:9414",
        "--upstream=2001:db8::53,[2001:db8::54]:5353",
        'clusterIP: "fd00:96::53"',
      ],
      ["0.0.0.0"],
    ],
    [
      { ...variants.underlay, remove: true },
      [
        "- teardown",
        "- cleanup",
        "replicas: 1",
        "--cluster=shop",
        '{ name: OVN_NB_DB, value: "ssl:192.0.2.20:6641" }',
      ],
      ["- agent", "- controller"],
    ],
  ];

const { values: flags } = parseArgs({
  options: { helm: { type: "string", default: "helm" }, check: { type: "boolean", default: false } },
});
const bare = [flags.helm, "template", "weft", chart, "--namespace=kube-system", "--values=-"];
const template = [...bare, "--include-crds"];
const files = [
  ...Object.entries(variants).map(([name, values]) => ({ name, values, argv: template })),
  ...Object.entries(additions).map(([name, { values, only }]) => ({
    name,
    values,
    argv: [...bare, ...only],
  })),
];

try {
  for (const { name, values, argv } of files) {
    const file = join(folder, `${name}.yaml`);
    const text = `# Made from the chart by \`make manifests\`. Do not edit.\n${await run(argv, { input: JSON.stringify(values) })}`;
    if (!flags.check) writeFileSync(file, text);
    else if (readFileSync(file, "utf8") !== text)
      throw new Error(`${file} is not what the chart makes; run: make manifests`);
  }
  for (const [values, ...words] of flags.check ? refused : []) {
    const { status, stderr } = await tryRun(template, { input: JSON.stringify(values) });
    const unsaid = words.filter((each) => !stderr.includes(each));
    if (status === 0 || unsaid.length > 0)
      throw new Error(`${JSON.stringify(values)} must be refused with ${unsaid.join(", ")}: ${stderr}`);
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
