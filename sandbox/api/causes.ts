// Collects what is wrong with an object, field by field, in the words of Kubernetes' field.Error: clients show the
// message, and tests read the reason and the field.

import type { Json } from "./json.ts";

export interface FieldCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

export class Causes {
  readonly list: FieldCause[] = [];

  required(field: string, detail = ""): void {
    this.#add("FieldValueRequired", field, `Required value${detail && `: ${detail}`}`);
  }

  invalid(field: string, value: Json | undefined, detail: string): void {
    this.#add("FieldValueInvalid", field, `Invalid value: ${JSON.stringify(value ?? null)}: ${detail}`);
  }

  notSupported(field: string, value: Json | undefined, supported: readonly string[]): void {
    const list = supported.map((name) => JSON.stringify(name)).join(", ");
    this.#add(
      "FieldValueNotSupported",
      field,
      `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`,
    );
  }

  typeInvalid(field: string, value: Json, detail: string): void {
    this.#add("FieldValueTypeInvalid", field, `Invalid value: ${JSON.stringify(value)}: ${detail}`);
  }

  tooLong(field: string, most: number): void {
    this.#add("FieldValueTooLong", field, `Too long: may not be more than ${most} bytes`);
  }

  tooMany(field: string, count: number, most: number): void {
    this.#add("FieldValueTooMany", field, `Too many: ${count}: must have at most ${most} items`);
  }

  duplicate(field: string, value: Json | undefined): void {
    this.#add("FieldValueDuplicate", field, `Duplicate value: ${JSON.stringify(value)}`);
  }

  forbidden(field: string, detail: string): void {
    this.#add("FieldValueForbidden", field, `Forbidden: ${detail}`);
  }

  #add(reason: string, field: string, message: string): void {
    this.list.push({ reason, message, field });
  }
}
