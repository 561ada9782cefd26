#!/bin/bash
# Builds every fuzz target, or those that are named, in the way of OSS-Fuzz and ClusterFuzzLite: compilers, flags and
# engine come from the environment, and $OUT gets TARGET_fuzz, TARGET_fuzz_seed_corpus.zip and TARGET_fuzz.dict. The
# canary stays at home, in $WORK/oss-fuzz/bin.
#
#   OUT=/tmp/out CC=clang CXX=clang++ CXXFLAGS="-O1 -g -fsanitize=fuzzer-no-link,address,undefined" \
#     LIB_FUZZING_ENGINE=-fsanitize=fuzzer fuzz/build.sh [TARGET...]
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${WORK:-$source/build}/oss-fuzz
: "${OUT:?where the targets go}" "${CXX:?a compiler}" "${LIB_FUZZING_ENGINE:?what links the engine}"

# Flags come from outside; so does the standard library. Warnings of another compiler are none of a fuzzer's business.
cmake -S "$source" -B "$build" -G Ninja -DCMAKE_C_COMPILER="${CC:-cc}" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_C_FLAGS="${CFLAGS:-}" -DCMAKE_CXX_FLAGS="${CXXFLAGS:-}" \
  -DWEIR_FUZZ=ON -DWEIR_FUZZ_FLAGS_GIVEN=ON -DWEIR_FUZZ_ENGINE="$LIB_FUZZING_ENGINE" -DWEIR_TESTS=OFF \
  -DWEIR_SANITIZE=OFF -DWEIR_WARNINGS_ARE_ERRORS=OFF
rm -f "$build"/bin/*_fuzz
if (($#)); then
  cmake --build "$build" --target canary_fuzz "${@/%/_fuzz}"
else
  cmake --build "$build" --target weir_fuzz_targets
fi

mkdir -p "$OUT"
for program in "$build"/bin/*_fuzz; do
  name=$(basename "$program")
  target=${name%_fuzz}
  [[ $target != canary ]] || continue
  cp "$program" "$OUT/$name"
  python3 - "$source/fuzz/corpus/$target" "$OUT/${name}_seed_corpus.zip" <<'PY'
import pathlib
import sys
import zipfile

with zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED) as archive:
    for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        archive.write(file, file.name)
PY
  dictionary=$source/fuzz/dict/$target.dict
  if [[ -e $dictionary ]]; then cp -L "$dictionary" "$OUT/$name.dict"; fi
done
