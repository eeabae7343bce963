// What a namespace says about logging what its policies do: its meter. The policies state themselves what is logged.

import { aclLoggingOf } from "../kube/aclLogging.ts";
import { annotations } from "../model/names.ts";
import { ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { loggingFacts } from "../plan/logging.ts";
import type { OwnerKind } from "./kind.ts";

const key = annotations.aclLogging;

export const loggingKind: OwnerKind<"Namespace"> = {
  name: "logging",
  of: "Namespace",
  reads: {
    Namespace: (change) =>
      sidesOf(change).some(({ annotations: said }) => said[key] !== undefined)
        ? sidesOf(change).map(({ name }) => ownerOf("logging", name))
        : [],
  },
  tables: ["Meter", "Meter_Band"],
  plan(owner, { name }, { scope, stores }) {
    const { deny, allow, problem } = aclLoggingOf(stores.Namespace.get("", name));
    return {
      facts: deny === undefined && allow === undefined ? [] : loggingFacts(scope, owner, name),
      malformed: problem && `its annotation ${key} logs nothing where it makes no sense: ${problem}`,
    };
  },
};
