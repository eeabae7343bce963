// Resource versions in order. They are numbers of one sequence for all that one etcd holds (KEP-5504 makes that a promise);
// a text that is no number proves nothing.

const number = /^[1-9]\d{0,19}$/;

/** Whether a state of version `version` holds everything that the server did up to `wanted`. */
export const isAtLeast = (version: string, wanted: string): boolean =>
  number.test(version) && number.test(wanted) && BigInt(version) >= BigInt(wanted);
