// An API server that comes back empty, as after a bad restore: the controller deletes nothing and reports it, and the
// network keeps working. When the objects come back, all is well; or a person approves, and the rows are deleted.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { demoApps, demoObjects } from "../../sandbox/demo/objects.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { settled } from "./ovnDump.ts";

const nodes = ["n1", "n2"];
const metricsPort = 9411;

suite("an API server that lists nothing", suiteLimit, () => {
  let cluster: Cluster;
  let questions: readonly Question[];
  let rows: readonly string[];

  before(async () => {
    cluster = await Cluster.up({ name: "testprune", nodes: nodes.length });
    await cluster.apply(...demoObjects(nodes, [4, 6]).items);
    for (const { namespace } of demoApps) await cluster.podsReady(namespace);
    const pods = await cluster.addressesOf("shop", "web-n2");
    const services = await cluster.clusterIpsOf("shop", "web");
    questions = [
      ...pods.map((address): Question => ({ way: "tcp", address, port: 8080 })),
      ...services.map((address): Question => ({ way: "tcp", address, port: 80 })),
    ];
    assert.deepEqual(await cluster.failures("shop/web-n1", questions), []);
    rows = await settled(contents);
    await emptyApi();
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("nothing is deleted; log, metric and status say what is held", async () => {
    await startController(empty());
    await eventually("deletions are held", async () => ((await held()) ?? 0) > 20);
    const log = readFileSync(cluster.sandbox.processes.logFile("controller"), "utf8");
    assert.match(log, /deletion of \d+ of \d+ rows is held .*SIGUSR2/);
    const said = await eventually("status says so", async () => {
      const { status, stdout } = await cluster.weft("status", "--kubeconfig", empty());
      return status === 1 && stdout.includes("holds deletions back") && stdout;
    });
    assert.match(said, /^held: deletion of \d+ of \d+ rows/m);
    assert.deepEqual(await contents(), rows);
    assert.deepEqual(await cluster.failures("shop/web-n1", questions), []);
  });

  test("when the objects are back, nothing is held and nothing was lost", async () => {
    await startController(kubeconfig());
    await becomes("healthy", 0, async () => (await cluster.weft("status")).status);
    assert.equal(await held(), 0);
    assert.deepEqual(await contents(), rows);
    assert.deepEqual(await cluster.failures("shop/web-n1", questions), []);
  });

  test("after approval the deletions are made", async () => {
    await startController(empty());
    await eventually("deletions are held", async () => ((await held()) ?? 0) > 20);
    await cluster.sandbox.processes.kill("controller", "SIGUSR2");
    await becomes("no port of a pod is left", [], async () =>
      (await cluster.rows("Logical_Switch_Port", "name")).filter((name) => name.startsWith("weft_pod")),
    );
    await becomes("nothing is held", 0, held);
    await eventually("status says nothing of it any more", async () => {
      const { stdout } = await cluster.weft("status", "--kubeconfig", empty());
      return !stdout.includes("holds deletions back");
    });
  });

  test("and when the objects come back after all, so does the network", async () => {
    await startController(kubeconfig());
    await becomes("the rows are those of before", rows, contents);
    await becomes("pods and Services answer", [], () => cluster.failures("shop/web-n1", questions));
    await becomes("healthy", 0, async () => (await cluster.weft("status")).status);
  });

  const empty = (): string => `${cluster.sandbox.layout.state}/empty/kubeconfig`;
  const kubeconfig = (): string => cluster.sandbox.layout.nodeHosts[0]?.kubeconfig ?? "";
  const held = async (): Promise<number | undefined> =>
    (await cluster.metrics("n1", metricsPort)).get("weft_prune_held_rows");

  /** A second API server on the first node, with no content. */
  async function emptyApi(): Promise<void> {
    const { processes, layout } = cluster.sandbox;
    const first = processes.record("api");
    const directory = `${layout.state}/empty`;
    const script = first.argv.findIndex((word) => word.endsWith("sandbox/api/main.ts"));
    const flags = {
      "--state-dir": directory,
      "--host": "127.0.0.1",
      "--port": "6444",
      "--name": "127.0.0.1",
      "--socket": `${directory}.sock`,
      "--kubelet-socket": `${directory}/{node}.sock`,
      "--kubeconfig": `${empty()}=https://127.0.0.1:6444`,
    };
    await processes.launch({
      ...first,
      name: "empty-api",
      argv: [...first.argv.slice(0, script + 1), ...Object.entries(flags).flat()],
      ready: [`${directory}.sock`, empty()],
    });
  }

  /** Ends the controller cleanly and starts it with another kubeconfig. */
  async function startController(file: string): Promise<void> {
    const { processes } = cluster.sandbox;
    await processes.stop("controller");
    const { argv, ...record } = processes.record("controller");
    const changed = argv.map((word, index) => (argv[index - 1] === "--kubeconfig" ? file : word));
    await processes.launch({ ...record, argv: changed });
    await eventually(
      "it leads",
      async () => (await cluster.metrics("n1", metricsPort)).get("weft_leader") === 1,
    );
  }

  /** The UUIDs and names of everything that Weft keeps in the northbound database, except its fence. */
  async function contents(): Promise<readonly string[]> {
    const tables = [
      "Logical_Switch",
      "Logical_Switch_Port",
      "Logical_Router",
      "Logical_Router_Port",
      "Load_Balancer",
    ];
    const texts = await Promise.all(
      tables.map((table) =>
        cluster.northbound("-f", "csv", "--no-headings", "--columns=_uuid,name", "list", table),
      ),
    );
    return texts.flatMap((text) => text.split("\n")).toSorted((a, b) => a.localeCompare(b, "en"));
  }
});
