#!/bin/sh
# brainmine and the peers on one phantom, CPU seconds of one thread; the ratio where both ran.
set -e
BRAINMINE=${BRAINMINE:-./brainmine}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export OMP_NUM_THREADS OPENBLAS_NUM_THREADS
"$BRAINMINE" simulate decode -q --progress never --preset decode25k -o "$work/data"
