// The go.mod files of what is built here. Kubernetes' programs cannot be built by `go install`, because its go.mod
// replaces the staging modules by folders that the published module does not have. So a module of our own takes over
// that go.mod, with the published staging modules in the folders' place: every dependency has the version that
// Kubernetes was tested with. Pure: text in, text out.

export interface Overrides {
  /** module ▶ version, `v1.14.0`: required beside Kubernetes. */
  readonly requires?: Readonly<Record<string, string>>;
  /** module ▶ version, whatever anybody requires. */
  readonly replaces?: Readonly<Record<string, string>>;
}

/** The go.mod of module `name`, made of `kubernetesMod`, the go.mod of k8s.io/kubernetes. Versions are without their `v`. */
export function goModOnKubernetes(
  name: string,
  kubernetesMod: string,
  versions: { readonly kubernetes: string; readonly staging: string },
  { requires = {}, replaces = {} }: Overrides = {},
): string {
  const staging = `v${versions.staging}`;
  const required = { "k8s.io/kubernetes": `v${versions.kubernetes}`, ...requires };
  const replaced = Object.keys(replaces);
  const lines = kubernetesMod
    .replace(/^module .*$/m, `module ${name}`)
    .replaceAll(/=> \.\/staging\/src\/(\S+)/g, `=> $1 ${staging}`)
    .replaceAll(/^(\tk8s\.io\/\S+) v0\.0\.0$/gm, `$1 ${staging}`)
    .split("\n")
    .filter((line) => !replaced.some((module) => line.includes(`${module} => `)))
    .filter((line) => !Object.keys(required).some((module) => line.startsWith(`\t${module} v`)));
  return [
    ...lines.join("\n").trimEnd().split("\n"),
    "",
    ...block("require", required, " "),
    ...block("replace", replaces, " => "),
  ].join("\n");
}

/** The go.mod of a module that only requires `requires`. */
export const plainGoMod = (name: string, go: string, requires: Readonly<Record<string, string>>): string =>
  [`module ${name}`, "", `go ${go}`, "", ...block("require", requires, " ")].join("\n");

function block(
  word: "require" | "replace",
  entries: Readonly<Record<string, string>>,
  arrow: string,
): string[] {
  const lines = Object.entries(entries).map(([module, version]) =>
    word === "replace" ? `\t${module}${arrow}${module} ${version}` : `\t${module}${arrow}${version}`,
  );
  return lines.length === 0 ? [] : [`${word} (`, ...lines, ")", ""];
}
