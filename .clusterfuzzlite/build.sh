#!/bin/bash -eu
# Compilers, flags, engine and places ($OUT, $WORK) come from the image.
exec "$SRC/weir/fuzz/build.sh"
