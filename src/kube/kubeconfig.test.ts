import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { KubeConfigError } from "./config.ts";
import { inCluster } from "./in-cluster.ts";
import { loadKubeconfig } from "./kubeconfig.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-kubeconfig-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const config = (user: string, cluster = "server: https://10.0.0.1:6443"): string => `
apiVersion: v1
kind: Config
current-context: main
contexts:
- {name: main, context: {cluster: c, user: u, namespace: shop}}
- {name: other, context: {cluster: c}}
clusters:
- name: c
  cluster: {${cluster}}
users:
- name: u
  user: {${user}}
`;

const refused = (text: string, message: RegExp): Promise<void> =>
  assert.rejects(loadKubeconfig(file("refused", text)), (error) => {
    assert.ok(error instanceof KubeConfigError);
    assert.match(error.message, message);
    assert.ok(error.message.startsWith(join(folder, "refused")), error.message);
    return true;
  });

test("certificates come as data or as files beside the kubeconfig", async () => {
  file("ca.pem", "the ca");
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const path = file(
    "certificates",
    config(
      `client-certificate-data: ${base64("cert")}, client-key-data: ${base64("key")}`,
      "server: https://c, certificate-authority: ca.pem, tls-server-name: api",
    ),
  );
  assert.deepEqual(await loadKubeconfig(path), {
    server: "https://c",
    ca: "the ca",
    serverName: "api",
    insecure: false,
    clientCert: "cert",
    clientKey: "key",
    namespace: "shop",
  });
});

test("a token file is read for each request, and wins over a token", async () => {
  const path = file("with-token-file", config("token: old, tokenFile: token"));
  file("token", "first\n");
  const { token } = await loadKubeconfig(path);
  assert.equal(await token?.(), "first");
  file("token", "second\n");
  assert.equal(await token?.(), "second");
});

test("a config that is printed shows no token", async () => {
  const loaded = await loadKubeconfig(file("with-token", config("token: hush")));
  assert.equal(await loaded.token?.(), "hush");
  assert.ok(!JSON.stringify(loaded).includes("hush"));
});

test("another context may be asked for, and may have no user and no namespace", async () => {
  const loaded = await loadKubeconfig(file("contexts", config("token: t")), "other");
  assert.equal(loaded.token, undefined);
  assert.equal(loaded.namespace, "default");
});

test("several files make one, and the first to name a thing wins", async () => {
  const first = file("first", "current-context: other");
  const second = file("second", config("token: t"));
  const loaded = await loadKubeconfig([first, second].join(delimiter));
  assert.equal(loaded.server, "https://10.0.0.1:6443");
  assert.equal(loaded.token, undefined);
});

test("what Weft does not support is refused by name", async () => {
  await refused(
    config("exec: {command: aws}"),
    /user "u" uses exec, which Weft does not support; use a client/,
  );
  await refused(config("auth-provider: {name: gcp}"), /auth-provider/);
  await refused(config("as: admin, token: t"), /uses as,/);
  await refused(config("token: t", "server: https://c, proxy-url: http://p"), /proxy-url/);
});

test("a file that makes no sense is told from a name that is missing", async () => {
  await refused("a: [", /is not YAML/);
  await refused("eyJhbGciOiJSUzI1NiJ9.secret", /^((?!secret).)*$/);
  await refused("just text", /: is not a kubeconfig: the file should be Object$/);
  await refused("clusters: [{name: c, cluster: {}}]", /clusters\.0\.cluster\.server/);
  await refused("{}", /no current-context/);
  await refused("current-context: x", /there is no context "x"/);
  await refused(config("client-certificate-data: eA=="), /only one of client certificate and key/);
});

test("in a cluster, everything comes from the environment and the service account", async () => {
  const account = join(folder, "account");
  mkdirSync(account);
  const environment = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
  await assert.rejects(
    inCluster(account, environment),
    /cannot read the bearer token .*account.token: there is no such file/,
  );
  file("account/token", "one");
  file("account/ca.crt", "the ca");
  file("account/namespace", "weft\n");
  const loaded = await inCluster(account, environment);
  assert.equal(loaded.server, "https://[fd00::1]:443");
  assert.equal(loaded.ca, "the ca");
  assert.equal(loaded.namespace, "weft");
  file("account/token", "two");
  assert.equal(await loaded.token?.(), "two");
  file("account/token", "");
  await assert.rejects(async () => loaded.token?.(), /is empty/);
  await assert.rejects(inCluster(account, {}), /not in a cluster.*give a kubeconfig/);
});

test("a file that cannot be read is named with the reason", async () => {
  const missing = file("folder-of-nothing", "");
  await assert.rejects(
    loadKubeconfig(`${missing}.absent`),
    /cannot read the kubeconfig .*folder-of-nothing\.absent: there is no such file$/,
  );
  await assert.rejects(loadKubeconfig(import.meta.dirname), /cannot read the kubeconfig .*: it is a folder$/);
});
