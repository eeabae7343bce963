// The order of resource versions. They are numbers of one sequence for everything that one etcd holds (KEP-5504
// promises that); a text that is not a number proves nothing.

const number = /^[1-9]\d{0,19}$/;

/** Whether a state at `version` contains everything that the server did up to `wanted`. */
export const isAtLeast = (version: string, wanted: string): boolean =>
  number.test(version) && number.test(wanted) && BigInt(version) >= BigInt(wanted);

/** Whether `version` comes before `other` in one history. */
export const isBefore = (version: string, other: string): boolean =>
  version !== other && isAtLeast(other, version);
