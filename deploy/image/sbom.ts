// The image's bill of materials in CycloneDX 1.6 (ECMA-424): Debian packages, Node, and the npm packages in the bundle.

import type { Package } from "../../sandbox/install/apt.ts";

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
}

interface Materials {
  readonly version: string;
  readonly nodeVersion: string;
  readonly debian: readonly Package[];
  readonly npm: readonly NpmPackage[];
}

/** Sorted and without times, so that the same materials give the same document. */
export const billOfMaterials = ({ version, nodeVersion, debian, npm }: Materials): object => ({
  bomFormat: "CycloneDX",
  specVersion: "1.6",
  version: 1,
  metadata: { component: { type: "container", name: "weft", version } },
  components: [
    ...debian.map((each) =>
      component(
        each,
        `pkg:deb/debian/${encodeURIComponent(each.name)}@${encodeURIComponent(each.version)}?arch=amd64&distro=trixie`,
      ),
    ),
    ...npm.map((each) => component(each, `pkg:npm/${each.name}@${each.version}`)),
    component({ name: "node", version: nodeVersion }, `pkg:generic/node@${nodeVersion}`),
    component({ name: "quickjs", version: "2021-03-27" }, "pkg:generic/quickjs@2021-03-27"),
  ].toSorted((a, b) => (a.purl < b.purl ? -1 : 1)),
});

const component = ({ name, version }: NpmPackage, purl: string) => ({
  type: "library",
  "bom-ref": purl,
  name,
  version,
  purl,
});
