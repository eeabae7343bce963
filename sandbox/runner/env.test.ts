import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Pod } from "../client/objects.ts";
import { argvOf, ContainerConfigError, environmentOf, expand, hostnameOf } from "./env.ts";

const place = { nodeName: "n1", hostIps: ["172.30.0.11"], podIps: ["10.0.0.5", "fd00::5"] };
const pod = (container: Container, spec: Partial<Pod["spec"]> = {}): Pod => ({
  metadata: { name: "web-1", namespace: "shop", uid: "u1", labels: { app: "web" } },
  spec: { containers: [container], ...spec },
});
const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });

test("variables come from values, the downward API and each other", () => {
  const container: Container = {
    name: "main",
    command: ["run"],
    env: [
      field("IPS", "status.podIPs"),
      field("APP", "metadata.labels['app']"),
      { name: "BOTH", value: "$(APP):$(IPS):$(NONE)" },
    ],
  };
  const env = environmentOf(pod(container), container, place);
  assert.equal(env["BOTH"], "web:10.0.0.5,fd00::5:$(NONE)");
  assert.equal(env["HOSTNAME"], "web-1");
});

test("two dollars make one, and protect what follows", () => {
  assert.equal(expand("$$(A) $(A) $B", { A: "x" }), "$(A) x $B");
});

test("arguments without a command are the command, as with an image that has no entry point", () => {
  const container: Container = {
    name: "main",
    args: ["sleep", "$(TIME)"],
    env: [{ name: "TIME", value: "9" }],
  };
  assert.deepEqual(argvOf(container, environmentOf(pod(container), container, place)), ["sleep", "9"]);
});

test("a container without a command is the echo server on its ports, or on 8080", () => {
  const ports = [
    { containerPort: 80 },
    { containerPort: 80, protocol: "UDP" as const },
    { containerPort: 53 },
  ];
  const container: Container = { name: "main", ports };
  const env = environmentOf(pod(container), container, place);
  assert.equal(env["ECHO_PORTS"], "80,53");
  assert.match(argvOf(container, env).join(" "), /^perl .*echo\.pl$/);
  assert.equal(environmentOf(pod({ name: "main" }), { name: "main" }, place)["ECHO_PORTS"], "8080");
});

test("a key of a Secret is refused by name, unless it is optional", () => {
  const variable = (optional: boolean): Container => ({
    name: "main",
    env: [{ name: "PASSWORD", valueFrom: { secretKeyRef: { optional } } }],
  });
  const asked = variable(false);
  assert.throws(() => environmentOf(pod(asked), asked, place), ContainerConfigError);
  const optional = variable(true);
  assert.equal("PASSWORD" in environmentOf(pod(optional), optional, place), false);
});

test("a pod of the host's network has the node's host name", () => {
  assert.equal(hostnameOf(pod({ name: "main" }, { hostNetwork: true }), place), "n1");
  assert.equal(hostnameOf(pod({ name: "main" }, { hostname: "db" }), place), "db");
});
