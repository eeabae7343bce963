// The CNI executable with the agent of a whole cluster, called by hand as another runtime would call it: formats of
// results, and requests that the agent must refuse without harm to the existing pod.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { suiteLimit } from "../real/suiteLimit.ts";
import { Cluster, eventually } from "./cluster.ts";
import { namespace, pod } from "./manifests.ts";

const ns = "cni";

suite("the CNI executable", suiteLimit, () => {
  let cluster: Cluster;
  let attached: { containerId: string; netns: string; pod: { uid: string } };

  before(async () => {
    cluster = await Cluster.up({ name: "testcni", nodes: 2 });
    await cluster.apply(
      namespace(ns),
      ...["n1", "n2"].map((node) => pod({ namespace: ns, name: `on-${node}`, node })),
    );
    await cluster.podsReady(ns);
    const uid = await cluster.field("pod", ns, "on-n1", "{.metadata.uid}");
    const state = join(cluster.sandbox.layout.state, "n1/pods", uid, "sandbox.json");
    attached = JSON.parse(await readFile(state, "utf8"));
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  /** Calls the executable on n1 as the runtime does for the pod there. `env` and `stdin` override parts of the call. */
  const call = async (command: string, env: Record<string, string> = {}, stdin: object | string = {}) => {
    const [node] = cluster.sandbox.layout.nodeHosts;
    assert.ok(node);
    const { plugins } = JSON.parse(await readFile(node.cniConfiguration, "utf8"));
    const configuration = { ...plugins[0], name: "weft", cniVersion: "1.1.0" };
    const { status, stdout } = await cluster.sandbox
      .host("n1")
      .tryExec([join(node.cniPrograms, "weft-cni")], {
        env: {
          CNI_COMMAND: command,
          CNI_CONTAINERID: attached.containerId,
          CNI_NETNS: `/run/netns/${attached.netns}`,
          CNI_IFNAME: "eth0",
          CNI_PATH: node.cniPrograms,
          CNI_ARGS: `K8S_POD_NAMESPACE=${ns};K8S_POD_NAME=on-n1;K8S_POD_UID=${attached.pod.uid}`,
          ...env,
        },
        input: typeof stdin === "string" ? stdin : JSON.stringify({ ...configuration, ...stdin }),
      });
    return { status, said: stdout === "" ? undefined : JSON.parse(stdout) };
  };
  const podIsReached = async () => {
    const addresses = await cluster.addressesOf(ns, "on-n1");
    const questions = addresses.map((address) => ({ way: "tcp", address, port: 8080 }) as const);
    assert.deepEqual(await cluster.failures(`${ns}/on-n2`, questions), []);
  };

  test("ADD of an attached container answers with the same addresses in each format, with that format's fields", async () => {
    const addresses = await cluster.addressesOf(ns, "on-n1");
    for (const cniVersion of ["0.4.0", "1.0.0", "1.1.0"]) {
      const { status, said } = await call("ADD", {}, { cniVersion });
      assert.equal(status, 0, JSON.stringify(said));
      assert.equal(said.cniVersion, cniVersion);
      const ips: readonly { address: string; version?: string; interface: number }[] = said.ips;
      assert.deepEqual(
        ips.map(({ address }) => address.replace(/\/\d+$/, "")),
        addresses,
      );
      assert.deepEqual(
        ips.map(({ version }) => version),
        cniVersion === "0.4.0" ? ["4", "6"] : [undefined, undefined],
      );
      const own = said.interfaces[ips[0]?.interface ?? -1];
      assert.deepEqual([own.name, own.sandbox], ["eth0", `/run/netns/${attached.netns}`]);
      assert.equal(own.mtu, cniVersion === "1.1.0" ? 1500 : undefined);
      assert.equal((await call("CHECK", {}, { cniVersion, prevResult: said })).status, 0);
    }
  });

  test("STATUS and VERSION answer, also while the agent is away and pods run on", async () => {
    assert.deepEqual(await call("STATUS"), { status: 0, said: undefined });
    assert.deepEqual((await call("VERSION")).said.supportedVersions, ["0.4.0", "1.0.0", "1.1.0"]);
    await cluster.sandbox.processes.stop("n1-agent");
    assert.deepEqual([(await call("STATUS")).status, (await call("ADD")).said.code], [0, 11]);
    await cluster.sandbox.processes.start("n1-agent");
    await eventually("the agent is ready again", async () => (await call("ADD")).status === 0);
    await podIsReached();
  });

  test("malformed requests are refused with the specification's codes and harm nothing", async () => {
    const refusals: readonly (readonly [Record<string, string>, object | string, number])[] = [
      [{}, "{", 6],
      [{}, '"text"', 6],
      [{}, { cniVersion: "3.0.0" }, 1],
      [{}, { prevResult: 7 }, 7],
      [{ CNI_IFNAME: "net1" }, {}, 4],
      [{ CNI_NETNS: "/run/netns/no-such" }, {}, 4],
      [{ CNI_CONTAINERID: "" }, {}, 4],
      [{ CNI_IFNAME: "a/b" }, {}, 4],
      [{ CNI_ARGS: "IgnoreUnknown=1" }, {}, 4],
      [{ CNI_ARGS: "K8S_POD_NAMESPACE=../x;K8S_POD_NAME=on-n1" }, {}, 4],
    ];
    for (const [env, stdin, code] of refusals) {
      const { status, said } = await call("ADD", env, stdin);
      assert.deepEqual([status, said?.code], [1, code], JSON.stringify([env, stdin, said]));
    }
    const other = await call("ADD", { CNI_ARGS: "DOCKER=1" });
    assert.match(other.said.msg, /Weft attaches only Kubernetes pods/);
    await podIsReached();
  });

  test("DEL of a container that was never attached, or is gone, succeeds and leaves the pod alone", async () => {
    for (const env of [
      { CNI_CONTAINERID: "never" },
      { CNI_CONTAINERID: "never", CNI_NETNS: "", CNI_ARGS: "" },
    ])
      assert.equal((await call("DEL", env)).status, 0);
    const damaged = { cniVersion: "1.1.0", ips: [{ version: "4" }] };
    for (const prevResult of [null, damaged, 7])
      assert.equal((await call("DEL", { CNI_CONTAINERID: "never" }, { prevResult })).status, 0);
    assert.equal((await call("DEL", { CNI_IFNAME: "net1" })).status, 0);
    const valid = { "cni.dev/valid-attachments": [{ containerID: attached.containerId, ifname: "eth0" }] };
    assert.equal((await call("GC", {}, valid)).status, 0);
    await podIsReached();
  });

  test("GC with Go's empty list, which is null, removes what is left", async () => {
    assert.equal((await call("GC", {}, { "cni.dev/valid-attachments": null })).status, 0);
    const left = ["--bare", "--columns=name", "find", "Interface", 'external_ids:"weft.io/container"!=""'];
    assert.equal((await cluster.sandbox.host("n1").exec(["ovs-vsctl", ...left])).trim(), "");
  });
});
