#!/bin/sh
# Builds the CNI executable: src/cni/build.sh OUTPUT. One static file of 2 MB, for any Linux: the plugin's TypeScript as
# one script, executable.c, and the engine QuickJS, whose sources come with the npm package qjsc. The engine is compiled
# once and kept in build/.
set -eu
here=$(dirname "$(readlink -f "$0")")
root=$(dirname "$(dirname "$here")")
package=qjsc@0.3.0
sum=6bbf9c53afc855c65b21e8df7ddb7fc1954c5fa2cbd8c0cbdc743d65be469b6dc6f43bc1312ff3f461c5c73dfd6c0be9d8fbcc38cfb2a52380ca892dd83759db
engine=$root/build/quickjs
command -v gcc >/dev/null || { echo "build.sh: gcc is missing; install it with: make setup" >&2; exit 2; }

# Beside the result, so that a rename puts it in place.
mkdir -p "$root/build"
scratch=$(mktemp -d "$root/build/.cni-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

if [ ! -e "$engine" ]; then
  (cd "$scratch" && npm pack --silent --ignore-scripts "$package" >/dev/null && mv qjsc-*.tgz source.tgz)
  echo "$sum  $scratch/source.tgz" | sha512sum --check --quiet
  mkdir "$scratch/engine"
  tar -xzf "$scratch/source.tgz" -C "$scratch/engine" --strip-components=3 package/deps/quickjs_2021_03_27
  (cd "$scratch/engine" &&
    gcc -c -O2 -w -D_GNU_SOURCE -DCONFIG_VERSION='"2021-03-27"' quickjs.c libregexp.c libunicode.c cutils.c libbf.c &&
    ar rcs libquickjs.a ./*.o)
  # Another build may have been faster.
  mv -T "$scratch/engine" "$engine" 2>/dev/null || [ -e "$engine/libquickjs.a" ]
fi

"$root/node_modules/@oven/bun-linux-x64/bin/bun" build --target=browser --format=iife --minify \
  "$here/main.ts" --outfile "$scratch/script.js" >/dev/null
mkdir -p "$(dirname "$1")"
gcc -O2 -Wall -static -s -DSCRIPT="\"$scratch/script.js\"" -I"$engine" \
  -o "$1.new" "$here/executable.c" "$engine/libquickjs.a" -lm -lpthread
mv "$1.new" "$1"
