// Security profiles, by the packets that pass and those that do not, in both families: who may have one, what its rules do
// beside NetworkPolicies, and that nobody gains anything by asking for what is not theirs. In underlay mode virtual and
// physical machines have profiles too.

import assert from "node:assert/strict";
import { after, afterEach, before, suite, test } from "node:test";
import { annotations } from "../../src/model/names.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, networkUnderTest, type Question } from "./cluster.ts";
import { namespace, pod, service } from "./manifests.ts";
import { limitSeconds, Reach } from "./reach.ts";

const pods: Readonly<Record<string, string>> = {
  "dev/web": "n1",
  "dev/tool": "n2",
  "qa/db": "n2",
  "qa/api": "n1",
};
const everybody = [...Object.keys(pods), "n1", "n2"].toSorted();
const key = annotations.securityProfiles;

suite("security profiles", suiteLimit, () => {
  let cluster: Cluster;
  let reach: Reach;
  /** The nodes' own addresses. */
  let nodeRanges: readonly string[];

  before(async () => {
    cluster = await Cluster.up({ name: "testprofiles", nodes: 2 });
    await cluster.apply(
      ...["dev", "qa"].map((name) => ({ ...namespace(name), metadata: { name, labels: { stage: name } } })),
      ...Object.entries(pods).map(([full, node]) => {
        const [ns = "", name = ""] = full.split("/");
        return pod({ namespace: ns, name, node, labels: { app: name }, ports: { web: 8080, admin: 9090 } });
      }),
    );
    for (const ns of ["dev", "qa"]) await cluster.podsReady(ns);
    reach = await Reach.of(cluster, pods);
    nodeRanges = ["n1", "n2"]
      .flatMap((node) => cluster.hostAddresses(node))
      .map((address) => `${address}/${address.includes(":") ? 128 : 32}`);
  });
  afterEach(async () => {
    for (const ns of ["dev", "qa"]) {
      await cluster.kubectl("annotate", "pod", "-n", ns, "--all", `${key}-`);
      await cluster.kubectl("label", "namespace", ns, "--overwrite", `stage=${ns}`);
    }
    await cluster.kubectl("delete", "securityprofile", "--all");
    await cluster.kubectl("delete", "networkpolicy", "-A", "--all");
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const profile = (name: string, spec: object): object => ({
    apiVersion: "weft.io/v1alpha1",
    kind: "SecurityProfile",
    metadata: { name },
    spec,
  });
  const stage = (name: string) => ({ namespaceSelector: { matchLabels: { stage: name } } });
  const without = (...names: readonly string[]): readonly string[] =>
    everybody.filter((one) => !names.includes(one));
  const asks = async (full: string, profiles: string): Promise<void> => {
    const [ns = "", name = ""] = full.split("/");
    await cluster.kubectl("annotate", "pod", "-n", ns, name, "--overwrite", `${key}=${profiles}`);
  };
  const conditionOf = (name: string): Promise<string> => cluster.inForce("securityprofile", name);

  test("dev does not reach qa, whatever pods ask for and NetworkPolicies allow", async () => {
    await cluster.apply(
      profile("dev", { ...stage("dev"), assignment: "Always" }),
      profile("qa", {
        ...stage("qa"),
        assignment: "Always",
        ingress: [{ action: "Deny", from: { profiles: ["dev"] } }],
      }),
      {
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { namespace: "qa", name: "open" },
        spec: { podSelector: {}, ingress: [{}] },
      },
    );
    const allowed = without("dev/web", "dev/tool");
    await becomes("dev is denied", allowed, () => reach.to("qa/db", 8080));
    assert.deepEqual(await reach.to("dev/web", 8080), everybody, "the other way nothing is said");
    await asks("dev/web", "qa");
    await becomes("dev/web is closed", ["dev/web", "n1"], () => reach.to("dev/web", 8080));
    assert.deepEqual(await reach.to("qa/db", 8080), allowed, "it gains nothing by asking for qa");
    await becomes("an Event", true, async () =>
      (await cluster.messagesOf("web", "ProfileRefused")).includes(
        `closed, because of its annotation ${key}: pods of namespace dev may not have the profile qa`,
      ),
    );
    await becomes("counted by the status", true, async () =>
      (await cluster.weft("status")).stdout.includes("closed: 1 pod for a security profile"),
    );
    await asks("dev/web", "dev");
    await becomes("it is not closed", everybody, () => reach.to("dev/web", 8080));
    await becomes("in force", true, async () => (await conditionOf("qa")).startsWith("True InForce "));
    await becomes("counted", true, async () =>
      /\b3 policies in force/.test((await cluster.weft("status")).stdout),
    );
  });

  test("what profiles allow adds up, what one denies is denied, and the rest is closed", async () => {
    await cluster.apply(
      profile("web", stage("dev")),
      profile("tool", stage("dev")),
      profile("db", {
        ...stage("qa"),
        ingress: [{ action: "Allow", from: { profiles: ["web"] }, ports: [{ port: 8000, endPort: 8100 }] }],
      }),
      profile("metered", {
        ...stage("qa"),
        ingress: [{ action: "Allow", from: { profiles: ["tool"] }, ports: [{ port: "admin" }] }],
      }),
    );
    await asks("dev/web", "web");
    await asks("dev/tool", "tool,web");
    await asks("qa/db", "db");
    await becomes("web and tool at the range", ["dev/tool", "dev/web", "n2", "qa/db"], () =>
      reach.to("qa/db", 8080),
    );
    assert.deepEqual(await reach.to("qa/db", 9090), ["n2", "qa/db"]);
    await asks("qa/db", "db,metered");
    await becomes("tool at admin too", ["dev/tool", "n2", "qa/db"], () => reach.to("qa/db", 9090));
    await cluster.apply(
      profile("tool", { ...stage("dev"), egress: [{ action: "Deny", to: { profiles: ["db"] } }] }),
    );
    await becomes("tool may not send", ["dev/web", "n2", "qa/db"], () => reach.to("qa/db", 8080));
    await asks("dev/tool", "web");
    await becomes("it is no tool any more", ["dev/tool", "dev/web", "n2", "qa/db"], () =>
      reach.to("qa/db", 8080),
    );
  });

  test("through a node port the sender is a node, and a rule about nodes closes that way too", async () => {
    await cluster.apply(
      service({
        namespace: "qa",
        name: "db",
        spec: {
          type: "NodePort",
          selector: { app: "db" },
          ports: [{ port: 80, targetPort: 8080, nodePort: 30_080 }],
        },
      }),
      profile("qa", { ...stage("qa"), assignment: "Always" }),
      profile("dev", {
        ...stage("dev"),
        assignment: "Always",
        egress: [
          { action: "Deny", to: { profiles: ["qa"] } },
          { action: "Deny", to: { cidrs: nodeRanges }, ports: [{ port: 30_000, endPort: 32_767 }] },
        ],
      }),
    );
    const nodes = ["n1", "n2"].flatMap((node) => cluster.hostAddresses(node));
    const asked = nodes.map((address): Question => ({ way: "tcp", address, port: 30_080 }));
    const passed = async (from: string): Promise<boolean> =>
      (await cluster.ask(from, asked, limitSeconds)).some(({ ok }) => ok);
    await becomes("qa reaches its own", true, () => passed("qa/api"));
    await becomes("dev is closed", false, () => passed("dev/web"));
    await cluster.kubectl("delete", "service", "-n", "qa", "db");
  });

  test("a pod is closed from its birth until its profile exists, and again when its namespace may not have it", async () => {
    await cluster.apply(
      pod({
        namespace: "qa",
        name: "early",
        node: "n1",
        annotations: { [key]: "late" },
        ports: { web: 8080 },
      }),
    );
    await cluster.podsReady("qa", "early");
    const addresses = await cluster.addressesOf("qa", "early");
    const asked = addresses.map((address): Question => ({ way: "tcp", address, port: 8080 }));
    const answers = async (from: string): Promise<readonly boolean[]> =>
      (await cluster.ask(from, asked, limitSeconds)).map(({ ok }) => ok);
    const [yes, no] = [
      [true, true],
      [false, false],
    ];
    await becomes("its node", yes, () => answers("n1"));
    assert.deepEqual(await answers("qa/api"), no);
    await becomes("an Event", true, async () =>
      (await cluster.messagesOf("early", "ProfileRefused")).includes("there is no SecurityProfile late"),
    );
    await cluster.apply(profile("late", stage("qa")));
    await becomes("the profile exists", yes, () => answers("qa/api"));
    await cluster.kubectl("label", "namespace", "qa", "--overwrite", "stage=prod");
    await becomes("the namespace has another label", no, () => answers("qa/api"));
    await cluster.apply(profile("late", stage("prod")));
    await becomes("the profile is for that one", yes, () => answers("qa/api"));
    await cluster.kubectl("delete", "securityprofile", "late");
    await becomes("the profile is gone", no, () => answers("qa/api"));
    assert.deepEqual(await answers("n1"), yes);
    await cluster.kubectl("delete", "pod", "-n", "qa", "early");
  });

  test("a restarted controller changes nothing about who is closed", async () => {
    await cluster.apply(
      profile("web", { ...stage("dev"), egress: [{ action: "Allow", to: { profiles: ["web"] } }] }),
    );
    await asks("dev/web", "web");
    await asks("dev/tool", "qa");
    await becomes("tool is closed", ["dev/tool", "n2"], () => reach.to("dev/tool", 8080));
    const rows = async (): Promise<readonly string[]> => [
      ...(await cluster.rows("ACL", "match")),
      ...(await cluster.rows("Port_Group", "ports")),
      ...(await cluster.rows("Address_Set", "addresses")),
    ];
    const before = (await rows()).toSorted();
    await cluster.sandbox.processes.restart("controller");
    await cluster.apply(profile("marker", stage("dev")));
    await eventually("it works again", async () => (await conditionOf("marker")) !== "  ");
    await cluster.kubectl("delete", "securityprofile", "marker");
    await becomes("the same rows", before, async () => (await rows()).toSorted());
  });

  test("what cannot be done is said on the profile", async () => {
    await cluster.apply(
      profile("odd", {
        ports: ["no-such-port"],
        addresses: ["192.0.2.7/24"],
        egress: [{ action: "Deny", to: { profiles: ["nobody"] } }],
      }),
    );
    for (const said of [
      'spec.addresses[0]: "192.0.2.7/24" is no address and no CIDR',
      "the port no-such-port does not exist in the northbound database",
      "its rules name the profile nobody, which does not exist",
    ]) {
      await becomes(said, true, async () => (await conditionOf("odd")).includes(said));
      assert.ok((await cluster.messagesOf("odd", "Malformed")).includes(said));
    }
    assert.ok((await conditionOf("odd")).startsWith("False Malformed "));
  });

  test("a machine is a member while its port exists", async () => {
    const port = `${cluster.id}-late`;
    const on = cluster.sandbox.layout.tenant?.vms.switch ?? `${cluster.id}-machines`;
    const members = async (): Promise<readonly string[]> =>
      (await cluster.rows("Address_Set", "addresses")).filter((line) => line.includes("203.0.113.9"));
    await cluster.apply(profile("late", { ports: [port], ingress: [{ action: "Deny" }] }));
    const missing = `the port ${port} does not exist`;
    await becomes("it is missing", true, async () => (await conditionOf("late")).includes(missing));
    await cluster.northbound(
      ...["--may-exist", "ls-add", on],
      ...["--", "lsp-add", on, port, "--", "lsp-set-addresses", port, "02:00:00:00:09:09 203.0.113.9"],
    );
    await becomes("in force", true, async () => (await conditionOf("late")).startsWith("True InForce "));
    assert.deepEqual(await members(), ["203.0.113.9"]);
    await cluster.northbound("lsp-del", port);
    await becomes("it is missing again", true, async () => (await conditionOf("late")).includes(missing));
    await becomes("nobody is a member", [], members);
    if (!cluster.sandbox.layout.tenant) await cluster.northbound("ls-del", on);
  });

  if (networkUnderTest() === "underlay")
    test("machines have profiles by port and by address, and a virtual machine is closed at its own port", async () => {
      const { tenant } = cluster.sandbox.layout;
      const vif = tenant?.vifs.find(({ host }) => host.name === "vm") ?? assert.fail();
      const rowOf = (): Promise<string> => cluster.northbound("list", "Logical_Switch_Port", vif.logicalPort);
      const row = await rowOf();
      const hosts = ["machine", "vm", ...everybody];
      const who = async (questions: readonly Question[]): Promise<readonly string[]> => {
        const answers = await Promise.all(hosts.map((from) => cluster.ask(from, questions, limitSeconds)));
        return hosts.filter((_, index) => answers[index]?.every(({ ok }) => ok)).toSorted();
      };
      const db = reach.questions("qa/db", 8080);
      const at = (host: string): readonly Question[] =>
        cluster.hostAddresses(host).map((address) => ({ way: "icmp", address, port: 0 }));
      const all = hosts.toSorted();
      const but = (...names: readonly string[]) => all.filter((one) => !names.includes(one));
      await becomes("all reach db", all, () => who(db));
      await cluster.apply(
        profile("dev", { ports: [vif.logicalPort], addresses: [...cluster.hostAddresses("machine")] }),
        profile("qa", {
          ...stage("qa"),
          assignment: "Always",
          ingress: [{ action: "Deny", from: { profiles: ["dev"] } }],
        }),
      );
      await becomes("machines of dev do not reach qa", but("machine", "vm"), () => who(db));
      assert.deepEqual(await who(reach.questions("dev/web", 8080)), all);
      await cluster.apply(
        profile("dev", {
          ports: [vif.logicalPort],
          addresses: [...cluster.hostAddresses("machine")],
          ingress: [{ action: "Allow", from: { profiles: ["dev"] } }],
        }),
      );
      await becomes("at the virtual machine's own port", ["machine", "vm"], () => who(at("vm")));
      assert.deepEqual(await who(at("machine")), all, "a physical machine has no port in OVN");
      assert.equal(await rowOf(), row, "the row of its port is as it was");
      await cluster.kubectl("delete", "securityprofile", "dev");
      await becomes("all reach the virtual machine", all, () => who(at("vm")));
      await becomes("and db", all, () => who(db));
      assert.equal(await rowOf(), row);
    });
});
