// `make setup`: installs what a sandbox needs and the machine lacks, and reports it. Can be repeated.

import { installKubectl } from "./kubectl.ts";
import { installOvn } from "./ovn.ts";
import { installPackages } from "./packages.ts";
import { buildPrograms, ovnPrograms, programs, testPrograms } from "./requirements.ts";

try {
  if (process.platform !== "linux") throw new Error(`a sandbox needs Linux, this is ${process.platform}`);
  await installPackages(
    new Map([...programs, ...ovnPrograms, ...buildPrograms, ...testPrograms]),
    console.log,
  );
  await installOvn(console.log);
  await installKubectl(console.log);
} catch (error) {
  console.error(`weft setup: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
