import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CniError } from "../nouns/cniError.ts";
import { type CniRequest, cniVersions, parseEnvelope, requestOf } from "./request.ts";

const env = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/x",
  CNI_IFNAME: "eth0",
  CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1;K8S_POD_UID=u-1",
  CNI_PATH: "/opt/cni/bin",
};

const line = (change: object = {}, configuration: object = {}): string =>
  JSON.stringify({
    version: 1,
    env: { ...env, ...change },
    stdin: JSON.stringify({ cniVersion: "1.1.0", name: "weft", ...configuration }),
  });

const parse = (text: string): CniRequest => requestOf(parseEnvelope(text));

function codeOf(text: string): number | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof CniError, String(error));
    return error.code;
  }
}

test("ADD carries the pod that the runtime names", () => {
  assert.deepEqual(parse(line()), {
    command: "ADD",
    container: "c1",
    ifname: "eth0",
    netns: "/run/netns/x",
    pod: { namespace: "shop", name: "web-1", uid: "u-1" },
  });
});

test("a runtime that does not say the pod's UID is served", () => {
  const request = parse(line({ CNI_ARGS: "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1" }));
  assert.equal(request.command === "ADD" && request.pod.uid, undefined);
});

test("DEL needs no namespace and no pod, since both may be gone", () => {
  assert.deepEqual(parse(line({ CNI_COMMAND: "DEL", CNI_NETNS: "", CNI_ARGS: "" })), {
    command: "DEL",
    container: "c1",
    ifname: "eth0",
  });
});

test("CHECK compares with what ADD answered for its interface, whatever later plugins have added", () => {
  const check = (prevResult: object) => {
    const request = parse(line({ CNI_COMMAND: "CHECK" }, { prevResult }));
    return request.command === "CHECK" && [request.mac, request.addresses];
  };
  const interfaces = [
    { name: "w1", mac: null },
    { name: "eth0", mac: "0a:58:0a:f4:00:05", sandbox: "/run/netns/x", mtu: 1442 },
    { name: "eth0" },
    { name: "net1", mac: "0a:58:0a:f4:00:06", sandbox: "/run/netns/x" },
  ];
  const ips = [1, 2, 3, undefined, null, 9].map((index) => ({
    address: `10.0.0.${index}/24`,
    interface: index,
  }));
  assert.deepEqual(check({ interfaces, ips }), [
    "0a:58:0a:f4:00:05",
    ["10.0.0.1/24", "10.0.0.undefined/24", "10.0.0.null/24"],
  ]);
  assert.deepEqual(check({ interfaces: null, ips: null, routes: 7, dns: [] }), [undefined, []]);
  assert.deepEqual(check({}), [undefined, []]);
});

test("GC keeps what is listed; null is Go's empty list, and the older key counts where there is no other", () => {
  const gc = (configuration: object) => parse(line({ CNI_COMMAND: "GC" }, configuration));
  const listed = [{ containerID: "c1", ifname: "eth0", more: 7 }];
  const kept = { command: "GC", valid: [{ container: "c1", ifname: "eth0" }] };
  assert.deepEqual(gc({ "cni.dev/valid-attachments": listed }), kept);
  assert.deepEqual(gc({ "cni.dev/attachments": listed }), kept);
  assert.deepEqual(gc({ "cni.dev/valid-attachments": listed, "cni.dev/attachments": null }), kept);
  for (const none of [null, []]) {
    assert.deepEqual(gc({ "cni.dev/valid-attachments": none }), { command: "GC", valid: [] });
  }
});

/** Values that a field may have instead of its own: of every type of JSON, and null, as Go prints what it lacks. */
const odd = [null, true, 7, "text", [], [null], [7], {}, { a: null }];

test("a malformed list refuses GC: absent or damaged does not mean none", () => {
  const good = { containerID: "c1", ifname: "eth0" };
  const damaged = [
    ...odd.filter((value) => value !== null && JSON.stringify(value) !== "[]"),
    [good, null],
    [good, {}],
    ...odd
      .map((value) => [{ ...good, containerID: value }])
      .filter(([entry]) => entry?.containerID !== "text"),
    ...odd.map((value) => [{ ...good, ifname: value }]).filter(([entry]) => entry?.ifname !== "text"),
    [{ ...good, ifname: "" }],
    [{ ...good, containerID: "" }],
  ];
  for (const list of damaged) {
    const text = line({ CNI_COMMAND: "GC" }, { "cni.dev/valid-attachments": list });
    assert.equal(codeOf(text), 7, text);
  }
  assert.equal(codeOf(line({ CNI_COMMAND: "GC" })), 7);
});

test("a refusal is one line that names the field, whatever it quotes", () => {
  const messageOf = (text: string): string => {
    try {
      parse(text);
    } catch (error) {
      assert.ok(error instanceof CniError, String(error));
      return error.message;
    }
    return assert.fail("it was not refused");
  };
  assert.equal(
    messageOf(
      line({ CNI_COMMAND: "CHECK" }, { prevResult: { ips: [{ address: 7 }], interfaces: "a\n\tb" } }),
    ),
    'the network configuration: prevResult.interfaces: Invalid type: Expected Array but received "a b"; prevResult.ips.0.address: Invalid type: Expected string but received 7',
  );
  const script = "#!/bin/sh\nset -e\n".repeat(10_000);
  const refused = [
    line({ CNI_COMMAND: "GC" }, { "cni.dev/valid-attachments": script }),
    line({}, { prevResult: script }),
    line({ CNI_COMMAND: script }),
    line({ CNI_IFNAME: script }),
    line({}, { cniVersion: script }),
    script,
    JSON.stringify({ version: 1, env, stdin: script }),
    JSON.stringify({ version: script, env, stdin: "" }),
  ];
  for (const text of refused) {
    assert.match(messageOf(text), /^\P{Cc}+$/u);
    assert.ok(messageOf(text).length < 1100);
  }
});

test("fields that a command does not use may be anything", () => {
  const unused = [
    ...[
      "name",
      "type",
      "args",
      "runtimeConfig",
      "capabilities",
      "ipam",
      "dns",
      "ipMasq",
      "cni.dev/other",
      "x",
    ],
    ...["disableCheck", "disableGC", "cniVersions", "__proto__", "constructor"],
  ];
  const byCommand = {
    ADD: ["cni.dev/valid-attachments", "cni.dev/attachments"],
    DEL: ["cni.dev/valid-attachments", "cni.dev/attachments", "prevResult"],
    CHECK: ["cni.dev/valid-attachments"],
    STATUS: ["cni.dev/valid-attachments", "cni.dev/attachments", "prevResult"],
    GC: ["prevResult"],
  };
  for (const [command, more] of Object.entries(byCommand)) {
    for (const field of [...unused, ...more]) {
      for (const value of odd) {
        const needed = { prevResult: command === "ADD" ? null : {}, "cni.dev/valid-attachments": [] };
        const text = line(
          { CNI_COMMAND: command },
          Object.fromEntries([...Object.entries(needed), [field, value]]),
        );
        assert.equal(codeOf(text), undefined, text);
      }
    }
  }
});

test("a result that a command uses must be one, and ADD takes none from another plugin", () => {
  const result = { ips: [{ address: "10.0.0.1/24" }] };
  const cases: readonly (readonly [string, unknown, number | undefined])[] = [
    ["ADD", undefined, undefined],
    ["ADD", null, undefined],
    ["ADD", {}, undefined],
    ["ADD", { cniVersion: "1.1.0", interfaces: null, ips: [], dns: {} }, undefined],
    ["ADD", result, 7],
    ["ADD", { interfaces: [{ name: "eth0" }] }, 7],
    ["ADD", "text", 7],
    ["ADD", { ips: 7 }, 7],
    ["CHECK", undefined, 7],
    ["CHECK", null, 7],
    ["CHECK", result, undefined],
    ...["text", 7, { ips: 7 }, { ips: [null] }, { ips: [{}] }, { ips: [{ address: 7 }] }].map(
      (damaged) => ["CHECK", damaged, 7] as const,
    ),
    ["CHECK", { ips: [{ address: "10.0.0.1/24", interface: "0" }] }, 7],
    ["CHECK", { interfaces: [{ name: 7 }] }, 7],
    ["CHECK", { interfaces: [null] }, 7],
  ];
  for (const [command, prevResult, code] of cases) {
    const text = line({ CNI_COMMAND: command }, { prevResult });
    assert.equal(codeOf(text), code, text);
  }
});

test("what cannot be decoded is 6, and a version that is not known is 1", () => {
  for (const text of [
    "",
    "null",
    "[]",
    "7",
    '{"version":2,"env":{},"stdin":"{}"}',
    '{"version":1,"env":{"a":7}}',
  ]) {
    assert.equal(codeOf(text), 6, text);
  }
  for (const stdin of ["", "{", "null", "7", '"text"', "[]"]) {
    assert.equal(codeOf(JSON.stringify({ version: 1, env, stdin })), 6, stdin);
  }
  for (const cniVersion of [...odd, "", "0.3.1", "1.1", "1.1.1", "v1.1.0", "1.1.0 "]) {
    assert.equal(codeOf(line({}, { cniVersion })), 1, JSON.stringify(cniVersion));
  }
});

test("every variable that a command needs is checked, and the error names each that is wrong", () => {
  const long = "x".repeat(256);
  const wrong = {
    CNI_CONTAINERID: ["", "a/b", "-a", ".a", "_a", "a b", "a\n", "ä", long, "../x"],
    CNI_IFNAME: [
      "",
      ".",
      "..",
      "all",
      "default",
      "a/b",
      "a b",
      "a\tb",
      "a:b",
      "sixteen-chars-ab",
      "ä",
      'a"',
      "a#",
      "a\u0000",
    ],
    CNI_NETNS: ["", "relative", "/", "/with space", "/with\nnewline", "/ä", `/${"x/".repeat(2500)}`],
  };
  const needs: Readonly<Record<string, readonly string[]>> = {
    ADD: ["CNI_CONTAINERID", "CNI_IFNAME", "CNI_NETNS"],
    CHECK: ["CNI_CONTAINERID", "CNI_IFNAME", "CNI_NETNS"],
    DEL: ["CNI_CONTAINERID", "CNI_IFNAME"],
    STATUS: [],
    GC: [],
  };
  const messageOf = (text: string): string => {
    try {
      parse(text);
      return "";
    } catch (error) {
      assert.ok(error instanceof CniError && error.code === 4, `${text}: ${String(error)}`);
      return error.message;
    }
  };
  for (const [command, needed] of Object.entries(needs)) {
    const configuration = command === "ADD" ? {} : { prevResult: {}, "cni.dev/valid-attachments": null };
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of [undefined, ...values]) {
        const message = messageOf(line({ CNI_COMMAND: command, [name]: value }, configuration));
        assert.equal(
          message.startsWith(name),
          needed.includes(name),
          `${command} ${name}=${value}: ${message}`,
        );
      }
    }
    const all = Object.fromEntries(needed.map((name) => [name, ""]));
    const message = messageOf(line({ CNI_COMMAND: command, ...all }, configuration));
    for (const name of needed) assert.match(message, new RegExp(name));
  }
  for (const command of [undefined, "", "add", "JUMP", "ADD ", "VERSION", long]) {
    assert.match(messageOf(line({ CNI_COMMAND: command })), /^CNI_COMMAND/);
  }
});

test("names that a command may have are let through", () => {
  for (const id of ["a", "7", "A.b_c-d", "x".repeat(255)]) {
    assert.equal(codeOf(line({ CNI_CONTAINERID: id })), undefined, id);
  }
  for (const ifname of ["eth0", "net1", "fifteen-chars-a", "a.b", "a@b", "a+b", "..."]) {
    assert.equal(codeOf(line({ CNI_IFNAME: ifname })), undefined, ifname);
  }
  for (const netns of ["/var/run/netns/cni-1234", "/proc/7/ns/net", "/proc/7/task/8/ns/net"]) {
    assert.equal(codeOf(line({ CNI_NETNS: netns })), undefined, netns);
  }
});

test("CNI_ARGS names one pod, in Kubernetes' alphabet, among whatever else is in it", () => {
  const pod = "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1";
  const cases: readonly (readonly [string, number | undefined])[] = [
    [pod, undefined],
    [`;;FOO;=x;IgnoreUnknown=1;${pod};K8S_POD_INFRA_CONTAINER_ID=c;A=B=C;`, undefined],
    [`${pod};K8S_POD_UID=`, undefined],
    [`${pod};K8S_POD_UID=0b5da0dd1d8f0f5f8d4d1a3b0d6c7e11`, undefined],
    [`${pod};K8S_POD_NAME=web-2`, 4],
    [`${pod};K8S_POD_UID=a b`, 4],
    [`${pod};K8S_POD_UID=${"u".repeat(129)}`, 4],
    ["", 4],
    ["K8S_POD_NAMESPACE=shop", 4],
    ["K8S_POD_NAME=web-1", 4],
    ["K8S_POD_NAMESPACE=;K8S_POD_NAME=", 4],
    ["k8s_pod_namespace=shop;k8s_pod_name=web-1", 4],
    ...["A_b", "-a", "a-", "../x", "a/b", "ä", "a\nb", "a".repeat(254)].map(
      (name) => [`K8S_POD_NAMESPACE=shop;K8S_POD_NAME=${name}`, 4] as const,
    ),
    ...["a.b", "Shop", "..", "a".repeat(64)].map(
      (name) => [`K8S_POD_NAMESPACE=${name};K8S_POD_NAME=web-1`, 4] as const,
    ),
  ];
  for (const [args, code] of cases) assert.equal(codeOf(line({ CNI_ARGS: args })), code, args);
});

test("a caller that is not Kubernetes is told so", () => {
  assert.throws(() => parse(line({ CNI_ARGS: "FOO=bar" })), /only Kubernetes pods/);
});

test("whatever comes in, the answer is a request or an error of the specification", () => {
  const hostile = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record(
        {
          CNI_COMMAND: fc.constantFrom("ADD", "DEL", "CHECK", "GC", "STATUS", ""),
          CNI_CONTAINERID: fc.string(),
          CNI_NETNS: fc.string(),
          CNI_IFNAME: fc.string(),
          CNI_ARGS: fc.string(),
        },
        { requiredKeys: [] },
      )
      .chain((change) =>
        fc
          .record({ cniVersion: fc.constantFrom(...cniVersions), prevResult: fc.jsonValue() })
          .map((configuration) => line(change, configuration)),
      ),
  );
  fc.assert(fc.property(hostile, (text) => void codeOf(text)));
});

test("nothing that is let through can end a line of a batch, or add to it", () => {
  const special = fc.constantFrom(" ", "\n", "\0", '"', "'", "#", "\\", ";", "$", "a");
  const anyName = fc.string({ unit: special, maxLength: 3 });
  fc.assert(
    fc.property(anyName, anyName, (ifname, netns) => {
      const text = line({ CNI_IFNAME: `e${ifname}`, CNI_NETNS: `/n${netns}` });
      const harmless = /^a*$/.test(ifname + netns);
      assert.equal(codeOf(text), harmless ? undefined : 4);
    }),
  );
});
