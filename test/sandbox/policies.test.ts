// NetworkPolicies as people write them, by the packets that pass and those that do not, in both families.

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
  "shop/old-db": "n1",
  "bank/till": "n1",
  "bank/clerk": "n2",
};
const ports = { api: 8080, admin: 9090 };

suite("NetworkPolicies", suiteLimit, () => {
  let cluster: Cluster;
  let reach: Reach;

  before(async () => {
    cluster = await Cluster.up({ name: "testpolicy", nodes: 2 });
    await cluster.apply(
      { ...namespace("shop"), metadata: { name: "shop", labels: { team: "sales" } } },
      { ...namespace("bank"), metadata: { name: "bank", labels: { team: "money" } } },
      ...Object.entries(pods).map(([full, node]) => {
        const [ns = "", name = ""] = full.split("/");
        return pod({
          namespace: ns,
          name,
          node,
          labels: { app: name.replace("old-", "") },
          ports: name === "old-db" ? { api: 8081, admin: 9090 } : ports,
        });
      }),
    );
    await cluster.podsReady("shop");
    await cluster.podsReady("bank");
    reach = await Reach.of(cluster, pods);
  });
  afterEach(() => cluster.kubectl("delete", "networkpolicy", "-n", "shop", "--all"));
  after(() => cluster?.[Symbol.asyncDispose]());

  const everybody = [...Object.keys(pods), "n1", "n2"].toSorted();
  const policy = (ns: string, name: string, spec: object): object => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { namespace: ns, name },
    spec,
  });
  const without = async (ns: string, ...names: readonly string[]): Promise<void> => {
    await cluster.kubectl("delete", "networkpolicy", "-n", ns, ...names);
  };
  const db = { matchLabels: { app: "db" } };

  test("without a policy everybody reaches everybody", async () => {
    await becomes("everybody reaches db", everybody, () => reach.to("shop/db", 8080));
  });

  test("a policy without rules leaves a pod to itself and its own node, and opens again when it goes", async () => {
    await cluster.apply(policy("shop", "closed", { podSelector: db }));
    await becomes("only db and its node", ["n2", "shop/db"], () => reach.to("shop/db", 8080));
    await becomes("only old-db and its node", ["n1", "shop/old-db"], () => reach.to("shop/old-db", 8081));
    await becomes("others stay open", everybody, () => reach.to("shop/web", 8080));
    await without("shop", "closed");
    await becomes("everybody again", everybody, () => reach.to("shop/db", 8080));
  });

  test("peers by pods, by namespaces and by both add up over rules and policies, and follow labels", async () => {
    await cluster.apply(
      policy("shop", "pods", {
        podSelector: db,
        ingress: [{ from: [{ podSelector: { matchLabels: { app: "web" } } }] }],
      }),
      policy("shop", "both", {
        podSelector: db,
        ingress: [
          {
            from: [
              {
                namespaceSelector: { matchExpressions: [{ key: "team", operator: "In", values: ["money"] }] },
                podSelector: { matchExpressions: [{ key: "app", operator: "NotIn", values: ["clerk"] }] },
              },
            ],
          },
        ],
      }),
    );
    const allowed = ["bank/till", "n2", "shop/db", "shop/web"];
    await becomes("web and till", allowed, () => reach.to("shop/db", 8080));
    await cluster.kubectl("label", "pod", "-n", "bank", "till", "--overwrite", "app=clerk");
    await becomes("till is a clerk", ["n2", "shop/db", "shop/web"], () => reach.to("shop/db", 8080));
    await cluster.kubectl("label", "pod", "-n", "bank", "till", "--overwrite", "app=till");
    await cluster.kubectl("label", "namespace", "bank", "--overwrite", "team=art");
    await becomes("bank has no money", ["n2", "shop/db", "shop/web"], () => reach.to("shop/db", 8080));
    await cluster.kubectl("label", "namespace", "bank", "--overwrite", "team=money");
    await becomes("bank has money", allowed, () => reach.to("shop/db", 8080));
    await without("shop", "pods", "both");
  });

  test("ports by number, range and name, where one name means different numbers", async () => {
    const anyone = [{ namespaceSelector: {} }];
    await cluster.apply(
      policy("shop", "ports", {
        podSelector: db,
        ingress: [
          { from: anyone, ports: [{ port: "api" }] },
          {
            from: [{ podSelector: { matchLabels: { app: "web" } } }],
            ports: [{ port: 9000, endPort: 9100 }],
          },
          { ports: [{ protocol: "UDP", port: 8080 }] },
        ],
      }),
    );
    const all = Object.keys(pods).toSorted();
    await becomes("api of db", [...all, "n2"].toSorted(), () => reach.to("shop/db", 8080));
    await becomes("api of old-db", [...all, "n1"].toSorted(), () => reach.to("shop/old-db", 8081));
    await becomes("admin of db", ["n2", "shop/db", "shop/web"], () => reach.to("shop/db", 9090));
    await becomes("UDP", everybody, () => reach.to("shop/db", 8080, "udp"));
    await becomes("no ping", ["n2", "shop/db"], () => reach.to("shop/db", 0, "icmp"));
    await without("shop", "ports");
  });

  test("egress holds behind a Service, and a pod reaches itself through one", async () => {
    await cluster.apply(
      service({
        namespace: "shop",
        name: "db",
        spec: { selector: { app: "db" }, ports: [{ port: 80, targetPort: "api" }] },
      }),
      service({
        namespace: "shop",
        name: "web",
        spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
      }),
      policy("shop", "web", {
        podSelector: { matchLabels: { app: "web" } },
        policyTypes: ["Ingress", "Egress"],
        egress: [{ to: [{ podSelector: db }], ports: [{ port: "api" }] }],
      }),
    );
    const asked = async (ip: string, port: number): Promise<boolean> =>
      (await cluster.ask("shop/web", [{ way: "tcp", address: ip, port }], limitSeconds)).every(
        ({ ok }) => ok,
      );
    const [tillIp = ""] = reach.addressesOf("bank/till");
    for (const address of await cluster.clusterIpsOf("shop", "db"))
      await becomes(`db by ${address}`, true, () => asked(address, 80));
    for (const address of await cluster.clusterIpsOf("shop", "web"))
      await becomes(`itself by ${address}`, true, () => asked(address, 80));
    await becomes("till is not allowed", false, () => asked(tillIp, 8080));
    await becomes("nor is admin of db", false, () => asked(reach.addressesOf("shop/db")[0] ?? "", 9090));
    await without("shop", "web");
    await becomes("till again", true, () => asked(tillIp, 8080));
  });

  test("blocks of addresses with exceptions, in both families", async () => {
    const [web4 = "", web6 = ""] = reach.addressesOf("shop/web");
    const [till4 = "", till6 = ""] = reach.addressesOf("bank/till");
    await cluster.apply(
      policy("shop", "blocks", {
        podSelector: db,
        ingress: [
          { from: [{ ipBlock: { cidr: "0.0.0.0/0", except: [`${till4}/32`] } }] },
          { from: [{ ipBlock: { cidr: "::/0", except: [`${till6}/128`] } }] },
        ],
      }),
    );
    await becomes(
      "all but till",
      everybody.filter((one) => one !== "bank/till"),
      () => reach.to("shop/db", 8080),
    );
    await cluster.apply(
      policy("shop", "blocks", {
        podSelector: db,
        ingress: [{ from: [{ ipBlock: { cidr: `${web4}/32` } }, { ipBlock: { cidr: `${web6}/128` } }] }],
      }),
    );
    await becomes("web alone", ["n2", "shop/db", "shop/web"], () => reach.to("shop/db", 8080));
    await without("shop", "blocks");
  });

  const blockOf = (address: string) => ({
    ipBlock: { cidr: `${address}/${address.includes(":") ? 128 : 32}` },
  });

  test("a block means a node by the node's own address, where the node asks and where it is asked through a Service", async () => {
    const [one, two] = ["n1", "n2"].map((node) => cluster.hostAddresses(node).map(blockOf));
    await cluster.apply(policy("shop", "nodes", { podSelector: db, ingress: [{ from: one }] }));
    await becomes("node n1, the pod's own node and itself", ["n1", "n2", "shop/db"], () =>
      reach.to("shop/db", 8080),
    );
    await cluster.apply(policy("shop", "nodes", { podSelector: db, ingress: [{ from: two }] }));
    await becomes("not node n1", ["n2", "shop/db"], () => reach.to("shop/db", 8080));

    const to = (peers: unknown) =>
      policy("shop", "nodes", {
        podSelector: { matchLabels: { app: "web" } },
        policyTypes: ["Egress"],
        egress: [{ to: peers }],
      });
    await cluster.apply(
      pod({
        namespace: "bank",
        name: "host",
        node: "n2",
        labels: { app: "host" },
        ports: { web: 7070 },
        spec: { hostNetwork: true },
      }),
      service({
        namespace: "bank",
        name: "host",
        spec: { selector: { app: "host" }, ports: [{ port: 80, targetPort: 7070 }] },
      }),
      to(two),
    );
    await cluster.podsReady("bank");
    const asked = (await cluster.clusterIpsOf("bank", "host")).map(
      (address): Question => ({ way: "tcp", address, port: 80 }),
    );
    const answers = async () => (await cluster.ask("shop/web", asked, limitSeconds)).map(({ ok }) => ok);
    await becomes("the server in n2's network is reached", [true, true], answers);
    await cluster.apply(to(one));
    await becomes("and is not where the policy allows n1", [false, false], answers);
    await cluster.kubectl("delete", "pod,service", "-n", "bank", "host");
  });

  test("a running connection ends when a policy forbids it, and goes on when the policy goes", async () => {
    const stream = await Stream.start(cluster, { namespace: "shop", name: "stream", from: "n1", to: "n2" });
    await cluster.apply(policy("shop", "closed", { podSelector: {}, policyTypes: ["Ingress"] }));
    await stream.stops();
    await without("shop", "closed");
    await stream.goesOn();
  });

  const eventsOf = (name: string, reason: string): Promise<string> =>
    cluster.kubectl(
      ...["get", "events", "-A", "-o", "custom-columns=MESSAGE:.message", "--no-headers"],
      `--field-selector=involvedObject.name=${name},reason=${reason}`,
    );

  test("a policy is said to be in force when the chassis of its pods has it, and before that what it waits for", async () => {
    const { processes } = cluster.sandbox;
    const status = async (): Promise<string> => (await cluster.weft("status")).stdout;
    const controller = `${cluster.chassis[0]}-ovn-controller`;
    await processes.pause(controller);
    try {
      await cluster.apply(policy("shop", "late", { podSelector: {} }));
      await becomes("an Event that it waits", true, async () =>
        (await eventsOf("late", "NotInForce")).includes("not in force yet: waits for ovn-controller of "),
      );
      await becomes("the status says so", true, async () =>
        (await status()).includes("1 policy not in force (shop/late waits for ovn-controller of "),
      );
    } finally {
      await processes.resume(controller);
    }
    await becomes("in force in the status", true, async () => (await status()).includes("1 policy in force"));
    await without("shop", "late");
    await cluster.apply(policy("shop", "soon", { podSelector: db }));
    await becomes("an Event that it is in force", true, async () =>
      /in force since 20[^;]*Z; it selects 2 pods/.test(await eventsOf("soon", "InForce")),
    );
    await without("shop", "soon");
  });

  test("packets that policies drop and allow are logged where the namespace asks for it, and printed with names", async () => {
    const logging = "k8s.ovn.org/acl-logging";
    await cluster.kubectl("annotate", "namespace", "shop", `${logging}={"deny":"info","allow":"notice"}`);
    const allowed = [{ podSelector: { matchLabels: { app: "web" } } }];
    await cluster.apply(policy("shop", "logged", { podSelector: db, ingress: [{ from: allowed }] }));
    await becomes("web alone", ["n2", "shop/db", "shop/web"], () => reach.to("shop/db", 8080));
    const logged = async (...more: readonly string[]): Promise<string> => {
      const files = cluster.chassis.map((name) =>
        cluster.sandbox.processes.logFile(`${name}-ovn-controller`),
      );
      const all = files.map((file) => cluster.weft("logs", "policy", "--file", file, ...more));
      return (await Promise.all(all)).map(({ stdout }) => stdout).join("");
    };
    const by = "NetworkPolicy shop/logged, ingress";
    for (const said of [
      String.raw`drop  info bank/till \(10\S+:\d+\) > shop/db \(10\S+:8080\) tcp: ${by}, no rule allows it`,
      String.raw`drop  info bank/till \(\[fd\S+\]:\d+\) > shop/db \(\[fd\S+\]:8080\) tcp6: ${by}, no rule allows it`,
      String.raw`allow notice shop/web \(10\S+:\d+\) > shop/db \(10\S+:8080\) tcp: ${by}, rule 0`,
    ])
      await becomes(said, true, async () => new RegExp(said).test(await logged()));
    const [first = "{}"] = (await logged("-o", "json", "-n", "shop")).split("\n");
    assert.equal(JSON.parse(first).policy.name, "logged");
    assert.equal(await logged("-n", "bank"), "");
    await cluster.kubectl("annotate", "namespace", "shop", `${logging}-`);
    await becomes("no ACL logs", [], () => cluster.rows("ACL", "name", "log=true"));
    await cluster.kubectl("annotate", "namespace", "bank", `${logging}=loud`);
    await becomes("an Event", true, async () =>
      (await eventsOf("bank", "Malformed")).includes(
        `its annotation ${logging} has invalid parts, which log nothing: "loud" is not a JSON object`,
      ),
    );
    await cluster.kubectl("annotate", "namespace", "bank", `${logging}-`);
    await without("shop", "logged");
  });

  test("a policy that cannot be understood in full closes, and its Event says which part", async () => {
    await cluster.apply(
      policy("shop", "odd", { podSelector: db, ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/40" } }] }] }),
    );
    await becomes("closed", ["n2", "shop/db"], () => reach.to("shop/db", 8080));
    await becomes("an Event", true, async () =>
      (
        await cluster.kubectl(
          "get",
          "events",
          "-n",
          "shop",
          "--field-selector=involvedObject.name=odd",
          "-o",
          "yaml",
        )
      ).includes("spec.ingress[0].from[0].ipBlock.cidr"),
    );
    await without("shop", "odd");
    await becomes("open again", everybody, () => reach.to("shop/db", 8080));
  });
});
