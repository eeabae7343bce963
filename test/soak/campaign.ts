// Does what a schedule says. What is done to one name is done in order, and tried again until the API server has taken
// it. Faults are undone whatever happens.

import { setTimeout as delay } from "node:timers/promises";
import { KubeError } from "../../src/kube/error.ts";
import { record, text } from "../../src/kube/json.ts";
import { pod, service } from "../sandbox/manifests.ts";
import { faultText } from "./fault.ts";
import { begin, type Undo } from "./faults.ts";
import { type Ground, soakNamespace } from "./ground.ts";
import { appsOf, type Deed, type Step } from "./schedule.ts";

/** Much longer than all faults together keep the API server away. */
const patienceMs = 150_000;
const lifeAnnotation = "soak.test/life";

export interface Campaign {
  /** What was done, and how often: `pod is born`, `fault pause`, `fault not possible`. */
  readonly counts: ReadonlyMap<string, number>;
  /** The names of those that live at the end. */
  readonly living: Readonly<Record<Noun, ReadonlySet<string>>>;
}

export type Noun = "pod" | "policy" | "service";

/** Where the API has them. */
export const collections: Readonly<Record<Noun, string>> = {
  pod: `/api/v1/namespaces/${soakNamespace}/pods`,
  policy: `/apis/networking.k8s.io/v1/namespaces/${soakNamespace}/networkpolicies`,
  service: `/api/v1/namespaces/${soakNamespace}/services`,
};

type ObjectDeed = Exclude<Deed, { type: "fault" }>;
type Birth = Extract<ObjectDeed, { type: `${Noun} is born` }>;

const isBirth = (deed: ObjectDeed): deed is Birth => deed.type.endsWith(" is born");

function nounOf({ type }: ObjectDeed): Noun {
  if (type === "pod is born" || type === "pod dies") return "pod";
  return type === "service is born" || type === "service dies" ? "service" : "policy";
}

export class Campaigner {
  readonly #ground: Ground;
  readonly #log: (line: string) => void;
  readonly #counts = new Map<string, number>();
  readonly #living = { pod: new Set<string>(), policy: new Set<string>(), service: new Set<string>() };
  /** name -> all that is to be done to it so far */
  readonly #deeds = new Map<string, Promise<void>>();
  /** What is wrong at present. */
  readonly #running = new Map<string, Undo>();
  readonly #failed = Promise.withResolvers<never>();
  #lives = 0;

  constructor(ground: Ground, log: (line: string) => void) {
    this.#ground = ground;
    this.#log = log;
    this.#failed.promise.catch(() => undefined);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  get present(): readonly string[] {
    return [...this.#running.keys()];
  }

  /** A pod of each app on each node, which lives throughout, and a Service of each app. */
  async found(nodes: readonly string[]): Promise<void> {
    const apps = appsOf(nodes);
    for (const [index, app] of apps.entries()) {
      this.#after({ type: "pod is born", name: `always-${app}`, node: nodes[index] ?? "", app });
      this.#after({ type: "service is born", name: `always-${app}`, app, outside: "Cluster" });
    }
    await Promise.all(this.#deeds.values());
  }

  /** Resolves when the last step is done and taken, and no fault lasts. */
  async run(steps: readonly Step[], signal: AbortSignal): Promise<Campaign> {
    const start = performance.now();
    try {
      for (const { atMs, deed } of steps) {
        const waiting = delay(Math.max(0, start + atMs - performance.now()), undefined, { signal });
        await Promise.race([waiting, this.#failed.promise]);
        if (deed.type === "fault") void this.#fault(deed, signal).catch(this.#failed.reject);
        else this.#after(deed);
      }
      while (this.#running.size > 0) await Promise.race([delay(50), this.#failed.promise]);
    } finally {
      for (const undo of this.#running.values()) await undo();
      this.#running.clear();
    }
    await Promise.race([Promise.all(this.#deeds.values()), this.#failed.promise]);
    return { counts: this.#counts, living: this.#living };
  }

  async #fault({ fault, lastsMs }: Extract<Deed, { type: "fault" }>, signal: AbortSignal): Promise<void> {
    const what = faultText(fault);
    let undo: Undo;
    try {
      undo = await begin(fault, this.#ground);
    } catch (error) {
      this.#count("fault not possible");
      return this.#log(`${what} is not possible: ${String(error)}`);
    }
    this.#running.set(what, undo);
    this.#count(`fault ${fault.sort}`);
    this.#log(`${what} for ${(lastsMs / 1000).toFixed(1)} s`);
    await delay(lastsMs, undefined, { signal });
    await undo();
    this.#running.delete(what);
    this.#log(`${what} is over`);
  }

  #after(deed: ObjectDeed): void {
    const key = `${nounOf(deed)} ${deed.name}`;
    const before = this.#deeds.get(key) ?? Promise.resolve();
    const done = before.then(() => this.#do(deed));
    done.catch(this.#failed.reject);
    this.#deeds.set(key, done);
  }

  async #do(deed: ObjectDeed): Promise<void> {
    const noun = nounOf(deed);
    if (isBirth(deed)) {
      await this.#create(deed, collections[noun]);
      this.#living[noun].add(deed.name);
    } else {
      await this.#delete(deed, collections[noun]);
      this.#living[noun].delete(deed.name);
    }
    this.#count(deed.type);
    this.#log(`${deed.name}: ${deed.type}`);
  }

  async #create(deed: Birth, collection: string): Promise<void> {
    const { client, cluster } = this.#ground;
    const life = String(++this.#lives);
    const object = birthOf(deed, life, cluster.sandbox.layout.clusterCidrs);
    await this.#taken(deed, async () => {
      try {
        await client.create(collection, object);
      } catch (error) {
        if (!hasReason(error, "AlreadyExists")) throw error;
        // Either an earlier try arrived after all, or the former life is not over.
        const { metadata } = record(await client.get(`${collection}/${deed.name}`));
        if (text(record(record(metadata).annotations)[lifeAnnotation]) !== life) throw error;
      }
    });
  }

  async #delete(deed: Exclude<ObjectDeed, Birth>, collection: string): Promise<void> {
    const options = deed.type === "pod dies" ? { gracePeriodSeconds: deed.graceSeconds } : {};
    await this.#taken(deed, () =>
      this.#ground.client.delete(`${collection}/${deed.name}`, options).catch((error: unknown) => {
        if (!hasReason(error, "NotFound")) throw error;
      }),
    );
  }

  async #taken({ name, type }: ObjectDeed, ask: () => Promise<unknown>): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (;;)
      try {
        await ask();
        return;
      } catch (error) {
        if (performance.now() > deadline)
          throw new Error(`${name}: ${type}: not in ${patienceMs / 1000} s`, { cause: error });
        await delay(300);
      }
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}

const hasReason = (error: unknown, reason: string): boolean =>
  error instanceof KubeError && error.reason === reason;

function birthOf(deed: Birth, life: string, podRanges: readonly string[]): Readonly<Record<string, unknown>> {
  const made = record(objectOf(deed, podRanges));
  const metadata = { ...record(made.metadata), annotations: { [lifeAnnotation]: life } };
  return { ...made, metadata };
}

function objectOf(deed: Birth, podRanges: readonly string[]): unknown {
  const { name, app } = deed;
  switch (deed.type) {
    case "pod is born":
      return pod({ namespace: soakNamespace, name, node: deed.node, labels: { app } });
    case "service is born": {
      const ports = [
        { name: "http", port: 80, targetPort: 8080 },
        { name: "dns", protocol: "UDP" as const, port: 53, targetPort: 8080 },
      ];
      const { outside } = deed;
      const nodePorts = { type: "NodePort", externalTrafficPolicy: outside } as const;
      return service({
        namespace: soakNamespace,
        name,
        spec: { selector: { app }, ports, ...(outside !== "none" && nodePorts) },
      });
    }
    case "policy is born": {
      const { from } = deed;
      const ingress = from === undefined ? [] : [byPort(from), { from: everybody(podRanges) }];
      return {
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { namespace: soakNamespace, name },
        spec: { podSelector: { matchLabels: { app } }, policyTypes: ["Ingress"], ingress },
      };
    }
  }
}

const byPort = (app: string) => ({
  from: [{ podSelector: { matchLabels: { app } } }],
  ports: [{ protocol: "TCP", port: 8080 }],
});

/** Pods by what they are, so that a member too few is noticed, and everything else by its address. */
const everybody = (podRanges: readonly string[]) => [
  { namespaceSelector: {} },
  ...podRanges.map((range) => ({
    ipBlock: {
      cidr: range.includes(":") ? "::/0" : "0.0.0.0/0",
      except: [range.replace(/^([^/]*\/\d+)\/\d+$/, "$1")],
    },
  })),
];
