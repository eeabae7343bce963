// The linter's configuration, read by oxlint itself. Which folder may import which is in lint/layers.ts.

import { defineConfig, type OxlintOverride } from "oxlint";
import { layers, refusalsOf } from "./lint/layers.ts";

/** The plugin is one small executable: it has nothing but its own files. */
const cniOnly = {
  group: ["*", "!./*"],
  message: "the CNI executable has no modules but its own; what it sees of the system is in src/cni/host.ts",
};

const importsOf = (layer: string): OxlintOverride => ({
  files: [`src/${layer}/**/*.ts`],
  rules: {
    "typescript/no-restricted-imports": [
      "error",
      { patterns: [...refusalsOf(layer), ...(layer === "cni" ? [cniOnly] : [])] },
    ],
  },
});

export default defineConfig({
  plugins: ["typescript", "unicorn", "oxc", "import", "node", "promise"],
  options: { typeAware: true },
  categories: { correctness: "error", suspicious: "error" },
  rules: {
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": [
      "error",
      {
        allowForKnownSafeCalls: [
          { from: "package", name: ["test", "describe", "it", "suite"], package: "node:test" },
        ],
      },
    ],
    "typescript/no-misused-promises": "error",
    "typescript/await-thenable": "error",
    "typescript/no-non-null-assertion": "error",
    "typescript/switch-exhaustiveness-check": "error",
    "typescript/consistent-type-imports": "error",
    "import/no-default-export": "error",
    "import/no-cycle": ["error", { ignoreTypes: false }],
    "typescript/prefer-readonly": "error",
    "unicorn/prefer-node-protocol": "error",
    "no-empty": "error",
    "no-console": "off",
    "typescript/no-unsafe-type-assertion": "off",
    "no-await-in-loop": "off",
    "no-underscore-dangle": "off",
    "unicorn/no-array-sort": "off",
    "no-shadow": "off",
    "typescript/consistent-return": "off",
    "unicorn/consistent-function-scoping": "off",
    "no-new": "off",
    "unicorn/no-useless-spread": "off",
    "import/no-named-as-default-member": "off",
    "import/no-named-as-default": "off",
  },
  overrides: [
    // A folder's own line comes after its parent's and replaces it.
    ...Object.keys(layers).map(importsOf),
    { files: ["test/reporter.ts", "oxlint.config.ts"], rules: { "import/no-default-export": "off" } },
  ],
});
