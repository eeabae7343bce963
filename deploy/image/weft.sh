#!/bin/sh
# Weft in the image. The young generation is as small as in a checkout (bin/weft).
young=16
[ "${1:-}" = agent ] && young=1
exec node --max-semi-space-size=$young /opt/weft/bundle/main.js "$@"
