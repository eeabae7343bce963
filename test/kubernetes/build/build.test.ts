import assert from "node:assert/strict";
import { test } from "node:test";
import { stalePackages } from "./compile.ts";
import { goModOnKubernetes, plainGoMod } from "./goMod.ts";
import { flannelModules, mainSource, modules, withoutImports } from "./programs.ts";

const kubernetesMod = `module k8s.io/kubernetes

go 1.26.0

require (
\tgithub.com/spf13/cobra v1.10.2
\tk8s.io/api v0.0.0
\tk8s.io/klog/v2 v2.140.0
)

replace (
\tk8s.io/api => ./staging/src/k8s.io/api
\tk8s.io/cri-api => ./staging/src/k8s.io/cri-api
)
`;
const versions = { kubernetes: "1.37.2", staging: "0.37.2" };

test("staging modules come from where they are published, everything else as Kubernetes has it", () => {
  assert.equal(
    goModOnKubernetes("weft.test/x", kubernetesMod, versions),
    `module weft.test/x

go 1.26.0

require (
\tgithub.com/spf13/cobra v1.10.2
\tk8s.io/api v0.37.2
\tk8s.io/klog/v2 v2.140.0
)

replace (
\tk8s.io/api => k8s.io/api v0.37.2
\tk8s.io/cri-api => k8s.io/cri-api v0.37.2
)

require (
\tk8s.io/kubernetes v1.37.2
)
`,
  );
});

test("what is required and replaced beside it is there once", () => {
  const mod = goModOnKubernetes("weft.test/x", kubernetesMod, versions, {
    requires: { "github.com/spf13/cobra": "v2.0.0" },
    replaces: { "k8s.io/cri-api": "v0.36.3" },
  });
  assert.deepEqual(mod.match(/.*cobra.*/g), ["\tgithub.com/spf13/cobra v2.0.0"]);
  assert.deepEqual(mod.match(/.*cri-api.*/g), ["\tk8s.io/cri-api => k8s.io/cri-api v0.36.3"]);
});

test("a module of its own requires only what it names", () => {
  const wanted = "module weft.test/helm\n\ngo 1.26.0\n\nrequire (\n\thelm.sh/helm/v4 v4.3.1\n)\n";
  assert.equal(plainGoMod("weft.test/helm", "1.26.0", { "helm.sh/helm/v4": "v4.3.1" }), wanted);
});

test("to be compiled are stale packages, but neither programs nor packages rebuilt for a test", () => {
  const listed = [
    "internal/abi\tabi\tfalse",
    "k8s.io/api/core/v1\tv1\ttrue",
    "k8s.io/kubernetes/cmd/kubelet\tmain\ttrue",
    "k8s.io/kubernetes/test/e2e [k8s.io/kubernetes/test/e2e.test]\te2e\ttrue",
    "k8s.io/api/core/v1\tv1\ttrue",
    "k8s.io/api/apps/v1\tv1\ttrue",
    "",
  ];
  assert.deepEqual(stalePackages(listed.join("\n")), ["k8s.io/api/apps/v1", "k8s.io/api/core/v1"]);
});

test("no two programs have one name, and a program that is its module's own has a source", () => {
  const names = [...modules, ...flannelModules].flatMap(({ programs }) => programs.map(({ name }) => name));
  assert.equal(new Set(names).size, names.length);
  for (const module of modules.filter(({ programs }) => programs.some((each) => each.package === ".")))
    assert.match(mainSource(module), /import \(\n\t"\S+\/coremain"\n(\t_ "\S+"\n)+\)/);
});

test("a main package is taken over without some of its imports", () => {
  const text = 'import (\n\t"fmt"\n\t_ "example.org/a/udp"\n\t_ "example.org/a/vxlan"\n)\n';
  assert.equal(
    withoutImports(text, ["example.org/a/udp"]),
    'import (\n\t"fmt"\n\t_ "example.org/a/vxlan"\n)\n',
  );
});
