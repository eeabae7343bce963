// For the Dockerfile: addFiles.ts ROOT puts all that the image has beside Debian's files below ROOT.

import { addWeft } from "./rootFs.ts";

const [root] = process.argv.slice(2);
if (root === undefined) throw new Error("addFiles.ts ROOT");
await addWeft(root);
