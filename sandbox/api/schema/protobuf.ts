// Decodes Kubernetes' protobuf bodies into JSON objects. `kubectl create namespace|deployment|service` send nothing
// else, and do not retry in JSON after a 415. The envelope is `k8s\0` and a runtime.Unknown (k8s.io/apimachinery,
// runtime/generated.proto).

import type { Json, JsonObject } from "../json.ts";
import { timeText } from "../objects.ts";
import { badRequest } from "../status.ts";
import { type Field, type MessageType, schema } from "./schema.ts";

type Wire = bigint | Buffer;
interface WireField {
  readonly number: number;
  readonly value: Wire;
}

/** The object in a body of type application/vnd.kubernetes.protobuf. Empty strings count as absent fields. */
export function decodeProtobuf(body: Buffer): JsonObject {
  if (body.subarray(0, 4).toString("latin1") !== "k8s\0")
    throw badRequest("protobuf: the k8s prefix is missing");
  const envelope = new Map(wireFields(body.subarray(4)).map((field) => [field.number, field.value]));
  const typeMeta = new Map(wireFields(bytes(envelope.get(1))).map((field) => [field.number, field.value]));
  const apiVersion = bytes(typeMeta.get(1)).toString();
  const kind = bytes(typeMeta.get(2)).toString();
  const type = schema.get(kind);
  if (!type) throw badRequest(`protobuf: this server knows no ${kind}; send JSON`);
  return { apiVersion, kind, ...decodeMessage(bytes(envelope.get(2)), type) };
}

function decodeMessage(data: Buffer, type: MessageType): JsonObject {
  const object: Record<string, Json> = {};
  for (const { number, value } of wireFields(data)) {
    const field = type.byNumber.get(number);
    if (!field)
      throw badRequest(`protobuf: this server does not know field ${number} of ${type.name}; send JSON`);
    const decoded = field.shape === "map" ? undefined : decodeValue(value, field.type);
    if (field.shape === "map") Object.assign(target(object, field), mapEntry(bytes(value), field));
    else if (field.shape === "list") object[field.name] = [...list(object[field.name]), decoded ?? null];
    else if (field.shape === "inline") Object.assign(object, decoded);
    else if (decoded !== undefined) object[field.name] = decoded;
  }
  return object;
}

const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);

function target(object: Record<string, Json>, field: Field): object {
  const existing = object[field.name];
  if (typeof existing === "object" && existing !== null) return existing;
  const created = {};
  object[field.name] = created;
  return created;
}

/** A map is a repeated message of key (1) and value (2). */
function mapEntry(data: Buffer, field: Field): JsonObject {
  const parts = new Map(wireFields(data).map((part) => [part.number, part.value]));
  return { [bytes(parts.get(1)).toString()]: decodeValue(bytes(parts.get(2)), field.type) ?? "" };
}

function decodeValue(value: Wire, typeName: string): Json | undefined {
  const type = schema.get(typeName);
  if (type) return decodeMessage(bytes(value), type);
  switch (typeName) {
    case "string":
      return bytes(value).toString() || undefined;
    case "bytes":
      return bytes(value).toString("base64");
    case "bool":
      return integer(value) !== 0;
    case "int":
      return integer(value);
    case "Quantity":
      return textField(bytes(value), 1);
    case "Time":
    case "MicroTime":
      return decodeTime(bytes(value));
    case "IntOrString":
      return decodeIntOrString(bytes(value));
    default:
      throw badRequest(`protobuf: this server cannot read a ${typeName}; send JSON`);
  }
}

function decodeTime(data: Buffer): string | undefined {
  const seconds = wireFields(data).find((field) => field.number === 1)?.value;
  return typeof seconds === "bigint" && seconds > 0n ? timeText(Number(seconds) * 1000) : undefined;
}

/** intstr.IntOrString: type (1) is 0 for the number (2), 1 for the text (3). */
function decodeIntOrString(data: Buffer): Json {
  const parts = new Map(wireFields(data).map((part) => [part.number, part.value]));
  return parts.get(1) === 1n ? bytes(parts.get(3)).toString() : integer(parts.get(2) ?? 0n);
}

const textField = (data: Buffer, number: number): string =>
  bytes(wireFields(data).find((field) => field.number === number)?.value).toString();

const bytes = (value: Wire | undefined): Buffer => (Buffer.isBuffer(value) ? value : Buffer.alloc(0));

const integer = (value: Wire): number => (typeof value === "bigint" ? Number(BigInt.asIntN(64, value)) : 0);

/** Splits a message into its fields (protobuf encoding: varint tag = number << 3 | wire type). */
function wireFields(data: Buffer): readonly WireField[] {
  const fields: WireField[] = [];
  let offset = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[offset++];
      if (byte === undefined || shift > 63n) throw badRequest("protobuf: the body ends within a number");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (offset < data.length) {
    const tag = Number(varint());
    const wireType = tag & 7;
    if (wireType !== 0 && wireType !== 2)
      throw badRequest(`protobuf: wire type ${wireType} is not used by Kubernetes`);
    const value = varint();
    if (wireType === 0) fields.push({ number: tag >>> 3, value });
    else {
      const end = offset + Number(value);
      if (end > data.length) throw badRequest("protobuf: the body ends within a field");
      fields.push({ number: tag >>> 3, value: data.subarray(offset, end) });
      offset = end;
    }
  }
  return fields;
}
