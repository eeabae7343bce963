// The answers of an honest server with one row in Address_Set: the truth that the tests' servers deviate from.

const string = { type: "string" };
const optional = (type: string): object => ({ type: { key: type, min: 0, max: 1 } });

const schemas: Readonly<Record<string, unknown>> = {
  OVN_Northbound: {
    name: "OVN_Northbound",
    version: "7.0.0",
    tables: {
      Address_Set: {
        columns: {
          name: string,
          addresses: { type: { key: "string", min: 0, max: "unlimited" } },
          external_ids: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
        },
        indexes: [["name"]],
        isRoot: true,
      },
      NB_Global: { columns: { nb_cfg: { type: "integer" }, ipsec: { type: "boolean" } }, isRoot: true },
    },
  },
  _Server: {
    name: "_Server",
    version: "1.2.0",
    tables: {
      Database: {
        columns: {
          name: string,
          model: { type: { key: { type: "string", enum: ["set", ["clustered", "relay", "standalone"]] } } },
          connected: { type: "boolean" },
          leader: { type: "boolean" },
          schema: optional("string"),
          cid: optional("uuid"),
          sid: optional("uuid"),
          index: optional("integer"),
        },
      },
    },
  },
};

export const rowUuid = "11111111-1111-4111-8111-111111111111";
export const transactionId = "22222222-2222-4222-8222-222222222222";
export const honestRow = {
  name: "honest",
  addresses: ["set", ["10.0.0.1", "10.0.0.2"]],
  external_ids: ["map", [["k", "v"]]],
};
const server = { name: "OVN_Northbound", model: "standalone", connected: true, leader: true };

export const contents: Readonly<Record<string, unknown>> = {
  OVN_Northbound: { Address_Set: { [rowUuid]: { insert: honestRow } } },
  _Server: { Database: { [rowUuid]: { insert: server } } },
};

/** The honest answer; undefined for messages that need none. */
export function honestAnswer(request: unknown): unknown {
  if (typeof request !== "object" || request === null || !("method" in request && "params" in request))
    return;
  const id = "id" in request ? request.id : null;
  if (id === null || !Array.isArray(request.params)) return;
  const [database, , tables]: unknown[] = request.params;
  const empty = typeof tables === "object" && tables !== null && Object.keys(tables).length === 0;
  const rows = empty ? {} : contents[String(database)];
  const results: Readonly<Record<string, unknown>> = {
    get_schema: schemas[String(database)],
    monitor_cond_since: [false, transactionId, rows],
    monitor_cond: rows,
    transact: [{ uuid: ["uuid", rowUuid] }, { count: 1 }],
    echo: request.params,
  };
  return { id, result: results[String(request.method)] ?? {}, error: null };
}
