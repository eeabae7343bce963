// The index by which the rows of an owner are found, in every table.

import { ownership } from "../model/names.ts";

export const byOwner = `external_ids:${ownership.owner}` as const;
