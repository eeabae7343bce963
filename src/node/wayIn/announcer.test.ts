import assert from "node:assert/strict";
import { test } from "node:test";
import { silent, systemClock } from "../../kube/clock.ts";
import { Interner } from "../../kube/intern.ts";
import { announcementCondition } from "../../kube/outerAddresses.ts";
import { serviceOf } from "../../kube/project.ts";
import { emptyStore } from "../../kube/stores.ts";
import { Announcer } from "./announcer.ts";
import type { SharedBridge } from "./flows.ts";

const bridge: SharedBridge = {
  ...{ socket: "unix:s", mac: "02:00:00:00:00:11", uplinks: [1], out: "output:1", patch: 2 },
  shared: [],
};

test("an agent tells of the addresses that its node announces, and of all again when its bridge changes", async () => {
  const services = emptyStore("Service");
  const floatings = emptyStore("FloatingAddress");
  const stop = new AbortController();
  const told: string[] = [];
  let heard = Promise.withResolvers<void>();
  const announcer = new Announcer({
    ...{ nodeName: "n1", services, floatings, clock: systemClock, log: silent },
    run: async (argv, options) => {
      told.push(`${argv.slice(2).join(" ")}: ${options?.stdin}`);
      heard.resolve();
      return "";
    },
  });
  const put = (name: string, ip: string, message: string): void => {
    const raw = {
      metadata: { namespace: "shop", name, uid: name, resourceVersion: "1" },
      spec: { type: "LoadBalancer", clusterIPs: ["10.96.0.10"], ports: [{ port: 80 }] },
      status: {
        loadBalancer: { ingress: [{ ip }] },
        conditions: [{ type: announcementCondition, status: "True", message }],
      },
    };
    const object = serviceOf(raw, new Interner()) ?? assert.fail();
    services.apply([{ type: "put", object }]);
  };
  const next = async (): Promise<readonly string[]> => {
    await heard.promise;
    heard = Promise.withResolvers();
    return told.splice(0);
  };
  put("here", "172.30.0.200", "172.30.0.200 by n1");
  put("there", "172.30.0.201", "172.30.0.201 by n2");
  put("no-longer", "172.30.0.202", "172.30.0.203 by n1");
  for (const store of [services, floatings]) store.note({ synced: true, resourceVersion: "1" });
  const running = announcer.run(stop.signal);
  announcer.set(bridge);
  const frame = (mac: string): string =>
    `ffffffffffff${mac}08060001080006040001${mac}ac1e00c8000000000000ac1e00c8`;
  const said = (mac: string, out: string): string =>
    `bundle unix:s -: packet-out in_port=LOCAL packet=${frame(mac)} actions=${out}\n`;
  assert.deepEqual(await next(), [said("020000000011", "output:1")]);
  announcer.set({ ...bridge, mac: "02:00:00:00:00:12", out: "output:3" });
  assert.deepEqual(await next(), [said("020000000012", "output:3")]);
  stop.abort();
  await running;
});
