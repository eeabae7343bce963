// The keyring in Kubernetes: a Secret for each member, which its pods mount, and one with the authorities and their keys,
// which nobody mounts. The form of the members' Secrets is cert-manager's, so both can be read in the same way.

import type { KubeClient, RequestOptions } from "../kube/client.ts";
import { isNotFound } from "../kube/error.ts";
import { type Json, record, text } from "../kube/json.ts";
import { pathOf, type Resource } from "../kube/resource.ts";
import type { Pair } from "./certificate.ts";
import {
  type AuthorityName,
  authorityNames,
  type Holding,
  type Keyring,
  type MemberName,
  memberNames,
  members,
} from "./renewal.ts";
import { certificatesIn } from "./trust.ts";

const secrets: Resource = { prefix: "/api/v1", plural: "secrets", namespaced: true };

/** Roles in the Helm chart name them, too (templates/signer.yaml). */
export const authoritiesSecret = "weft-authorities";
export const secretOf = (member: MemberName): string => `weft-${member}-tls`;

type Files = Readonly<Record<string, string>>;

/** What a Secret is to contain. */
interface Wanted {
  readonly name: string;
  readonly type: string;
  readonly files: Files;
}

export class KeyringStore {
  readonly #client: Pick<KubeClient, "get" | "create" | "update">;
  readonly #namespace: string;
  /** As last read; undefined when there is none. */
  readonly #objects = new Map<string, Json | undefined>();

  constructor(client: Pick<KubeClient, "get" | "create" | "update">, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  async read(options: RequestOptions): Promise<Keyring> {
    for (const name of [authoritiesSecret, ...memberNames.map(secretOf)])
      this.#objects.set(name, await this.#get(name, options));
    return keyringOf((name) => filesIn(this.#objects.get(name)));
  }

  /**
   * Writes what differs from what was read; resolves with the names of those Secrets. The authorities come first: what they sign must
   * not be in force before their keys are kept. A Secret that somebody else has changed since is a conflict.
   */
  async write(keyring: Required<Keyring>, options: RequestOptions): Promise<readonly string[]> {
    const written: string[] = [];
    for (const { name, type, files } of wantedFrom(keyring)) {
      const object = this.#objects.get(name);
      const present = filesIn(object);
      if (object && Object.entries(files).every(([file, content]) => present[file] === content)) continue;
      const data = Object.fromEntries(
        Object.entries(files).map(([file, content]) => [file, Buffer.from(content).toString("base64")]),
      );
      if (object)
        await this.#client.update(pathOf(secrets, this.#namespace, name), { ...object, data }, options);
      else
        await this.#client.create(
          pathOf(secrets, this.#namespace),
          { apiVersion: "v1", kind: "Secret", metadata: { namespace: this.#namespace, name }, type, data },
          options,
        );
      written.push(name);
    }
    return written;
  }

  async #get(name: string, options: RequestOptions): Promise<Json | undefined> {
    try {
      return record(await this.#client.get(pathOf(secrets, this.#namespace, name), options));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

function filesIn(object: Json | undefined): Files {
  return Object.fromEntries(
    Object.entries(record(object?.data)).map(([file, content]) => [
      file,
      Buffer.from(text(content), "base64").toString("utf8"),
    ]),
  );
}

function keyringOf(filesOf: (secret: string) => Files): Keyring {
  const kept = filesOf(authoritiesSecret);
  return {
    authorities: Object.fromEntries(
      authorityNames.flatMap((name) => {
        const pair = pairOf(kept[`${name}.crt`], kept[`${name}.key`]);
        return pair ? [[name, pair]] : [];
      }),
    ),
    holdings: Object.fromEntries(
      memberNames.flatMap((name) => {
        const files = filesOf(secretOf(name));
        const pair = pairOf(files["tls.crt"], files["tls.key"]);
        return pair ? [[name, { pair, trusted: trustedIn(files) }]] : [];
      }),
    ),
  };
}

const pairOf = (certificate: string | undefined, key: string | undefined): Pair | undefined =>
  certificate === undefined || key === undefined ? undefined : { certificate, key };

/** ca.crt has the authorities of databases and controllers; clients.crt has these and then the nodes'. */
function trustedIn(files: Files): Holding["trusted"] {
  const central = certificatesIn(files["ca.crt"] ?? "");
  const clients = files["clients.crt"];
  if (clients === undefined) return { central };
  return { central, nodes: certificatesIn(clients).filter((each) => !central.includes(each)) };
}

function wantedFrom({ authorities, holdings }: Required<Keyring>): readonly Wanted[] {
  const kept = authorityNames.flatMap((name: AuthorityName) => {
    const pair = authorities[name];
    return pair ? [[`${name}.crt`, pair.certificate] as const, [`${name}.key`, pair.key] as const] : [];
  });
  return [
    { name: authoritiesSecret, type: "Opaque", files: Object.fromEntries(kept) },
    ...memberNames.flatMap((name) => {
      const holding = holdings[name];
      return holding
        ? [{ name: secretOf(name), type: "kubernetes.io/tls", files: filesOf(name, holding) }]
        : [];
    }),
  ];
}

function filesOf(name: MemberName, { pair, trusted }: Holding): Files {
  const { central = [], nodes = [] } = trusted;
  return {
    "tls.crt": pair.certificate,
    "tls.key": pair.key,
    "ca.crt": central.join(""),
    ...(members[name].trusts.includes("nodes") && { "clients.crt": [...central, ...nodes].join("") }),
  };
}
