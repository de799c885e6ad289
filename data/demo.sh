#!/bin/sh
# data/demo.png, the picture of README.md, from what `make demo` leaves.
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build/release}" "${DEMO:=build/demo}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
draw() { # NUMBER VIEW FILE MASK TITLE OPTIONS...
    number=$1 view=$2 file=$3 mask=$4 title=$5
    shift 5
    ./brainmine render "$view" "$DEMO/$file" --mask "$DEMO/$mask" --title "$title" --size 640x520 -q \
        -o "$work/$number.png" "$@" || exit
}
draw 1 volume scan1/truth.nii.gz scan1/mask.nii.gz "Where labels differ: the truth"
draw 2 volume tvl1/weights.nii.gz scan1/mask.nii.gz "decode finds it" --threshold 50%
draw 3 glass msdl/regions.nii.gz rest/mask.nii.gz "dictlearn: regions of a group" --colorbar no
draw 4 graph graph/edges.tsv rest/mask.nii.gz "connectome: their graph" --nodes "$DEMO/graph/nodes.tsv"
"$BUILD/tools/contact_sheet" data/demo.png 2 "$work"/[1-4].png
