#!/bin/sh
# Builds the CNI executable: src/cni/build.sh OUTPUT. One file, no Node on the host, 12-15 ms from start to exit.
# Three variables would still let the runtime's environment into it: BUN_BE_BUN turns it into the bun command line,
# BUN_OPTIONS takes --preload, BUN_INSPECT waits for a debugger. No flag switches them off, so their names are blanked
# in the result: a variable whose name begins with a zero byte cannot exist. The lengths stay, as the offsets must.
set -eu
here=$(dirname "$(readlink -f "$0")")
output=$1
mkdir -p "$(dirname "$output")"
"$here/../../node_modules/@oven/bun-linux-x64/bin/bun" build --compile --minify --bytecode \
  --no-compile-autoload-dotenv --no-compile-autoload-bunfig "$here/main.ts" --outfile "$output.new" >/dev/null
for name in BUN_BE_BUN BUN_OPTIONS BUN_INSPECT; do
  grep -aq "$name" "$output.new" || { echo "build.sh: this bun does not know $name; look again" >&2; exit 1; }
  LC_ALL=C sed -i "s/$name/\\x00${name#?}/g" "$output.new"
done
mv "$output.new" "$output"
