// Policies of the whole cluster before and after NetworkPolicies, by the packets that pass and those that do not, in both
// families; and what is said of them, on them and in logs.

import assert from "node:assert/strict";
import { after, afterEach, before, suite, test } from "node:test";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, type Question } from "./cluster.ts";
import { namespace, pod, service } from "./manifests.ts";
import { limitSeconds, Reach } from "./reach.ts";
import { Stream } from "./stream.ts";

const pods: Readonly<Record<string, string>> = {
  "shop/web": "n1",
  "shop/db": "n2",
  "bank/till": "n1",
  "bank/clerk": "n2",
};
const everybody = [...Object.keys(pods), "n1", "n2"].toSorted();
const kinds = "clusternetworkpolicy,adminnetworkpolicy";

suite("ClusterNetworkPolicies", suiteLimit, () => {
  let cluster: Cluster;
  let reach: Reach;

  before(async () => {
    cluster = await Cluster.up({ name: "testcluster", nodes: 2 });
    await cluster.apply(
      // The controller looks for it again within half a minute.
      olderKind,
      { ...namespace("shop"), metadata: { name: "shop", labels: { team: "sales" } } },
      { ...namespace("bank"), metadata: { name: "bank", labels: { team: "money" } } },
      ...Object.entries(pods).map(([full, node]) => {
        const [ns = "", name = ""] = full.split("/");
        return pod({
          namespace: ns,
          name,
          node,
          labels: { app: name },
          ports: { api: name === "db" ? 8081 : 8080, admin: 9090 },
        });
      }),
      service({
        namespace: "shop",
        name: "web",
        spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
      }),
    );
    await cluster.kubectl("label", "node", "n2", "edge=yes");
    for (const ns of ["shop", "bank"]) await cluster.podsReady(ns);
    reach = await Reach.of(cluster, pods);
  });
  afterEach(async () => {
    await cluster.kubectl("delete", kinds, "--all");
    await cluster.kubectl("delete", "networkpolicy", "-A", "--all");
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const policy = (name: string, tier: "Admin" | "Baseline", priority: number, rest: object): object => ({
    apiVersion: "policy.networking.k8s.io/v1alpha2",
    kind: "ClusterNetworkPolicy",
    metadata: { name },
    spec: { tier, priority, ...rest },
  });
  const networkPolicy = (ns: string, name: string, spec: object): object => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { namespace: ns, name },
    spec,
  });
  const team = (name: string): object => ({ namespaces: { matchLabels: { team: name } } });
  const all = { namespaces: {} };
  const app = (name: string): object => ({
    pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: name } } },
  });
  const without = (...names: readonly string[]): readonly string[] =>
    everybody.filter((one) => !names.includes(one));

  const conditionOf = (name: string): Promise<string> => cluster.inForce("clusternetworkpolicy", name);

  test("the Admin tier beats NetworkPolicies, Pass leaves it to them, and Baseline is for those without", async () => {
    await cluster.apply(
      policy("closed", "Baseline", 5, { subject: all, ingress: [{ action: "Deny", from: [all] }] }),
    );
    await becomes("nobody but nodes", ["n1", "n2"], async () =>
      (await reach.to("shop/db", 8081)).filter((one) => one !== "shop/db"),
    );
    await cluster.apply(
      networkPolicy("shop", "friends", {
        podSelector: { matchLabels: { app: "db" } },
        ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: "money" } } }] }],
      }),
    );
    await becomes("whom the NetworkPolicy allows", ["bank/clerk", "bank/till", "n2", "shop/db"], () =>
      reach.to("shop/db", 8081),
    );
    await cluster.apply(
      policy("tenants", "Admin", 10, {
        subject: team("sales"),
        ingress: [
          { action: "Accept", from: [app("web")], protocols: [{ destinationNamedPort: "api" }] },
          { action: "Pass", from: [app("clerk")] },
          { action: "Deny", from: [team("money")] },
        ],
      }),
    );
    await becomes("web, and of the bank the clerk", ["bank/clerk", "n2", "shop/db", "shop/web"], () =>
      reach.to("shop/db", 8081),
    );
    await becomes("at another port web is not accepted", ["bank/clerk", "n2", "shop/db"], () =>
      reach.to("shop/db", 9090),
    );
    await cluster.kubectl("label", "namespace", "bank", "--overwrite", "team=art");
    await becomes("who is not of the bank's team is the NetworkPolicy's", ["n2", "shop/db", "shop/web"], () =>
      reach.to("shop/db", 8081),
    );
    await cluster.kubectl("label", "namespace", "bank", "--overwrite", "team=money");
  });

  test("lower numbers come first, and of equal ones what is denied", async () => {
    const rules = (action: string) => ({ subject: app("db"), ingress: [{ action, from: [team("money")] }] });
    await cluster.apply(
      policy("low", "Admin", 7, rules("Deny")),
      policy("high", "Admin", 3, rules("Accept")),
    );
    await becomes("3 beats 7", everybody, () => reach.to("shop/db", 8081));
    await cluster.apply(policy("high", "Admin", 7, rules("Accept")));
    await becomes("Deny beats Accept", without("bank/till", "bank/clerk"), () => reach.to("shop/db", 8081));
  });

  test("nodes and networks, with pods and nodes passed on before", async () => {
    const answers = async (to: readonly Question[]): Promise<readonly boolean[]> =>
      (await cluster.ask("bank/till", to, limitSeconds)).map(({ ok }) => ok);
    const at = (node: string): readonly Question[] =>
      cluster.hostAddresses(node).map((address) => ({ way: "icmp", address, port: 0 }));
    const seen = async () => {
      const places = [
        at("n1"),
        at("n2"),
        reach.questions("shop/web", 8080),
        reach.questions("bank/clerk", 8080),
      ];
      const [n1, n2, web, clerk] = await Promise.all(places.map(answers));
      return { n1, n2, web, clerk };
    };
    const [yes, no] = [
      [true, true],
      [false, false],
    ];
    await becomes("all", { n1: yes, n2: yes, web: yes, clerk: yes }, seen);
    const closing = { action: "Deny", to: [{ networks: ["0.0.0.0/0", "::/0"] }] };
    await cluster.apply(policy("out", "Admin", 1, { subject: team("money"), egress: [closing] }));
    await becomes("none", { n1: no, n2: no, web: no, clerk: no }, seen);
    const nodes = { action: "Accept", to: [{ nodes: { matchLabels: { edge: "yes" } } }] };
    await cluster.apply(policy("out", "Admin", 1, { subject: team("money"), egress: [nodes, closing] }));
    await becomes("the edge", { n1: no, n2: yes, web: no, clerk: no }, seen);
    await cluster.apply(
      policy("out", "Admin", 1, {
        subject: team("money"),
        egress: [
          { action: "Pass", to: [team("money"), { nodes: { matchLabels: { edge: "yes" } } }] },
          closing,
        ],
      }),
    );
    await becomes("its team and the edge", { n1: no, n2: yes, web: no, clerk: yes }, seen);
    await cluster.kubectl("label", "node", "n1", "edge=yes");
    await becomes("another node is of the edge", { n1: yes, n2: yes, web: no, clerk: yes }, seen);
    await cluster.kubectl("label", "node", "n1", "edge-");
  });

  test("a pod reaches itself by its Service whatever is denied, and its replies pass", async () => {
    const itself = (await cluster.clusterIpsOf("shop", "web")).map(
      (address): Question => ({ way: "tcp", address, port: 80 }),
    );
    const asked = async (): Promise<readonly boolean[]> =>
      (await cluster.ask("shop/web", itself, limitSeconds)).map(({ ok }) => ok);
    await cluster.apply(
      policy("self", "Admin", 1, { subject: app("web"), egress: [{ action: "Deny", to: [team("sales")] }] }),
    );
    await becomes("web does not reach db", without("shop/web"), () => reach.to("shop/db", 8081));
    assert.deepEqual(await asked(), [true, true]);
    assert.deepEqual(await reach.to("shop/web", 8080), everybody);
  });

  test("a running connection ends when a policy denies it, and goes on when the policy goes", async () => {
    const stream = await Stream.start(cluster, { namespace: "shop", name: "stream", from: "n1", to: "n2" });
    await cluster.apply(
      policy("ending", "Admin", 1, { subject: team("sales"), ingress: [{ action: "Deny", from: [all] }] }),
    );
    await stream.stops();
    await cluster.kubectl("delete", "clusternetworkpolicy", "ending");
    await stream.goesOn();
  });

  test("a policy says when every node has installed it, and what it waits for until then", async () => {
    const { processes } = cluster.sandbox;
    const hanging = `${cluster.chassis[0]}-ovn-controller`;
    const teams = (priority: number): object =>
      policy("teams", "Admin", priority, {
        subject: team("sales"),
        ingress: [{ action: "Deny", from: [team("money")] }],
      });
    await processes.pause(hanging);
    try {
      await cluster.apply(teams(1));
      const waits = "not in force yet: waits for ovn-controller of ";
      await becomes("an Event", true, async () =>
        (await cluster.messagesOf("teams", "NotInForce")).includes(waits),
      );
      await becomes("a condition", true, async () =>
        (await conditionOf("teams")).startsWith(`False NotInForce ${waits}`),
      );
      await becomes("the status names it", true, async () =>
        (await cluster.weft("status")).stdout.includes(
          "1 policy not in force (teams waits for ovn-controller of ",
        ),
      );
    } finally {
      await processes.resume(hanging);
    }
    await becomes("in force", true, async () => (await conditionOf("teams")).startsWith("True InForce "));
    await becomes("counted", true, async () =>
      (await cluster.weft("status")).stdout.includes("1 policy in force"),
    );
    await cluster.apply(teams(2));
    const generation = '{.metadata.generation} {.status.conditions[?(@.type=="InForce")].observedGeneration}';
    await becomes("the condition is about the policy as it is", "2 2", () =>
      cluster.field("clusternetworkpolicy", "", "teams", generation),
    );
  });

  test("what a policy drops and accepts is logged where it asks for that, and printed with its name", async () => {
    const logging = "k8s.ovn.org/acl-logging";
    const severities = '{"deny":"info","allow":"notice","pass":"debug"}';
    const teams = policy("teams", "Admin", 1, {
      subject: app("db"),
      ingress: [
        { action: "Accept", from: [app("clerk")] },
        { action: "Pass", from: [app("web")] },
        { action: "Deny", from: [team("money")] },
      ],
    });
    await cluster.apply({ ...teams, metadata: { name: "teams", annotations: { [logging]: severities } } });
    await becomes("the till is denied", without("bank/till"), () => reach.to("shop/db", 8081));
    const logged = async (...more: readonly string[]): Promise<string> => {
      const files = cluster.chassis.map((name) =>
        cluster.sandbox.processes.logFile(`${name}-ovn-controller`),
      );
      const all = files.map((file) => cluster.weft("logs", "policy", "--file", file, ...more));
      return (await Promise.all(all)).map(({ stdout }) => stdout).join("");
    };
    for (const said of [
      String.raw`drop  info bank/till \(10\S+:\d+\) > shop/db \(10\S+:8081\) tcp: ClusterNetworkPolicy teams, ingress, rule 2`,
      String.raw`allow notice bank/clerk \(\[fd\S+\]:\d+\) > shop/db \(\[fd\S+\]:8081\) tcp6: ClusterNetworkPolicy teams, ingress, rule 0`,
    ])
      await becomes(said, true, async () => new RegExp(said).test(await logged()));
    assert.equal(await logged("-n", "shop"), "");
    await becomes("an Event that Pass is not logged", true, async () =>
      (await cluster.messagesOf("teams", "Malformed")).includes(
        "pass: what a rule of the tier Admin passes on is not logged",
      ),
    );
    await becomes("a fault in logging is none of the policy", true, async () =>
      (await conditionOf("teams")).startsWith("True InForce "),
    );
    await cluster.kubectl("annotate", "clusternetworkpolicy", "teams", `${logging}-`);
    await becomes("no ACL logs", [], () => cluster.rows("ACL", "name", "log=true"));
    await becomes("no meter is left", [], () => cluster.rows("Meter", "name"));
  });

  test("an AdminNetworkPolicy is in force where its kind was installed after the controller had begun", async () => {
    await cluster.apply({
      apiVersion: "policy.networking.k8s.io/v1alpha1",
      kind: "AdminNetworkPolicy",
      metadata: { name: "older" },
      spec: {
        priority: 1,
        subject: app("db"),
        ingress: [
          { action: "Allow", from: [app("till")], ports: [{ portNumber: { protocol: "TCP", port: 8081 } }] },
          { action: "Deny", from: [team("money")] },
        ],
      },
    });
    await becomes("till is allowed", without("bank/clerk"), () => reach.to("shop/db", 8081));
    await becomes("and not elsewhere", without("bank/clerk", "bank/till"), () => reach.to("shop/db", 9090));
  });
});

/** As much of its definition as it needs here. */
const olderKind = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: "adminnetworkpolicies.policy.networking.k8s.io",
    annotations: {
      "api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/network-policy-api/pull/30",
    },
  },
  spec: {
    group: "policy.networking.k8s.io",
    scope: "Cluster",
    names: {
      kind: "AdminNetworkPolicy",
      listKind: "AdminNetworkPolicyList",
      plural: "adminnetworkpolicies",
      singular: "adminnetworkpolicy",
      shortNames: ["anp"],
    },
    versions: [
      {
        name: "v1alpha1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        },
      },
    ],
  },
};
