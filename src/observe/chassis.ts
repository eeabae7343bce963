// The chassis of the southbound database, of this cluster and of others, and how far each ovn-controller is.

import { southbound } from "../ovn/southbound.gen.ts";
import type { Session } from "../ovsdb/index.ts";

/** Follows the chassis for the life of the session. */
export const followChassis = (session: Session) =>
  session.replica(southbound, {
    Chassis: { columns: ["name", "hostname", "other_config", "encaps"] },
    Chassis_Private: { columns: ["name", "nb_cfg"] },
  });

export type Chassis = ReturnType<typeof followChassis>;
