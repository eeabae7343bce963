// `make kubernetes` and its end: main.ts up [--nodes N] [--families 4,6] [--install processes|chart] | down [--name NAME].

import { parseArgs } from "node:util";
import { versions } from "../build/versions.ts";
import { installationNamed } from "../install/installations.ts";
import { kubectlProgram } from "./cluster.ts";
import { downCluster } from "./down.ts";
import { familiesIn } from "./families.ts";
import { upCluster } from "./up.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: "string", default: "kubernetes" },
    nodes: { type: "string", default: "2" },
    families: { type: "string", default: "4,6" },
    install: { type: "string", default: "processes" },
  },
});
const [command] = positionals;
const { name } = values;

async function up(): Promise<void> {
  const nodes = Number(values.nodes);
  const installation = installationNamed(values.install);
  const { places } = await upCluster({
    ...{ name, nodes, installation },
    families: familiesIn(values.families),
    progress: console.log,
  });
  console.log(`
Kubernetes ${versions.kubernetes} on ${nodes} nodes, with Weft as its network. Try:

  export KUBECONFIG=${places.kubeconfig} PATH=${kubectlProgram.replace(/\/kubectl$/, "")}:$PATH
  kubectl get pods -A -o wide
  kubectl create deployment web --image=registry.k8s.io/e2e-test-images/agnhost:2.66.1 --replicas=4 -- /agnhost netexec
  kubectl expose deployment web --port=80 --target-port=8080
  kubectl run -it --rm try --image=registry.k8s.io/e2e-test-images/busybox:1.37.0-2 -- wget -qO- web/hostname
  bin/weft sandbox status --name ${name}
  make e2e FOCUS='Services should serve a basic endpoint'
  make down
`);
}

try {
  if (command === "up") await up();
  else if (command === "down")
    console.log((await downCluster(name)) ? `cluster ${name} is gone` : `there is no cluster ${name}`);
  else throw new Error(`${command ?? "nothing"}: up or down`);
} catch (error) {
  console.error(`weft kubernetes: ${error instanceof Error ? error.message : String(error)}`);
  if (process.env["WEFT_DEBUG"] && error instanceof Error) console.error(error.stack);
  process.exitCode = 2;
}
