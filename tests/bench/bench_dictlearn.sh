#!/bin/sh
# dictlearn beside its peers on the rest10 phantom (10 subjects x 150 volumes x 25,004 voxels, 20 maps), one
# thread: CPU seconds of the whole fit, peak memory, and how well the true maps are found (mean matched
# |correlation|, how many exceed 0.5, subjects' maps, explained variance of 4 subjects left out of a fit to 6: a
# projection on the maps). Then time and memory over the number of subjects. PYTHON names an interpreter that has
# nilearn, or scikit-learn and nibabel for the same work (peer_dictlearn.py).
set -e
BRAINMINE=${BRAINMINE:-./brainmine}
PYTHON=${PYTHON:-python3}
tools=${BUILD:-build/release}/tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 BRAINMINE_CACHE=off
export OMP_NUM_THREADS OPENBLAS_NUM_THREADS BRAINMINE_CACHE
quiet="-q --progress never"
rest=$work/rest
"$BRAINMINE" simulate rest $quiet --preset rest10 -o "$rest"
timed() { # COMMAND...: "cpu_seconds wall_seconds peak_mb"
    "$PYTHON" -c 'import resource, subprocess, sys, time
t = time.time(); subprocess.run(sys.argv[1:], check=True); w = time.time() - t
u = resource.getrusage(resource.RUSAGE_CHILDREN)
print("%.2f\t%.2f\t%.0f" % (u.ru_utime + u.ru_stime, w, u.ru_maxrss / 1024))' "$@"
}
match() { # ATLAS [SUBJECTS' FOLDER]: "mean found subjects"
    atlas=$1 folder=$2
    set --
    for m in ${folder:+"$rest"/truth/*_maps.nii.gz}; do set -- "$@" "$folder/${m##*/}" "$m"; done
    "$tools/atlas_score" "$atlas" "$rest/truth_atlas.nii.gz" "$rest/mask.nii.gz" "$@" |
        awk 'NR == 2 { print $1 "\t" $3 "\t" $4 }'
}
peer() { "$PYTHON" "$(dirname "$0")/peer_dictlearn.py" "$@" 2> /dev/null; }
heldout() { # MAPS: of the last 4 subjects, by one program for everyone
    peer explained "$rest/mask.nii.gz" "$1" "$rest"/sub-0[7-9]_bold.nii.gz "$rest"/sub-10_bold.nii.gz
}
printf 'model\tcpu_s\twall_s\tpeak_mb\tmean_match\tfound\tsubjects\theldout_ev\n'
for model in msdl msdl-tv canica pca; do
    time=$(timed "$BRAINMINE" dictlearn fit $quiet -j 1 -k 20 --model $model -m "$rest/mask.nii.gz" \
        -o "$work/$model" "$rest"/sub-*_bold.nii.gz)
    "$BRAINMINE" dictlearn fit $quiet -k 20 --model $model -m "$rest/mask.nii.gz" -o "$work/$model-6" \
        "$rest"/sub-0[1-6]_bold.nii.gz
    ev=$(heldout "$work/$model-6/atlas.nii.gz") ||
        ev=$("$BRAINMINE" dictlearn score $quiet --from "$work/$model-6" "$rest"/sub-0[7-9]_bold.nii.gz \
            "$rest"/sub-10_bold.nii.gz | awk -F'\t' '$2 == "all" { s += $3; n++ } END { printf "%.5f", s / n }')
    printf '%s\t%s\t%s\t%s\n' $model "$time" "$(match "$work/$model/atlas.nii.gz" "$work/$model/subjects")" "$ev"
done
for peer in DictLearning CanICA; do
    line=$(peer $peer "$rest/mask.nii.gz" "$work/$peer.nii.gz" "$rest"/sub-*_bold.nii.gz) || continue
    peer $peer "$rest/mask.nii.gz" "$work/$peer-6.nii.gz" "$rest"/sub-0[1-6]_bold.nii.gz > /dev/null
    printf '%s\t%s\tn/a\t%s\n' "$line" "$(match "$work/$peer.nii.gz" | cut -f 1,2)" \
        "$(heldout "$work/$peer-6.nii.gz")"
done
printf '\nsubjects\tcpu_s\twall_s\tpeak_mb\n'
for subjects in 10 40 160; do
    "$BRAINMINE" simulate rest $quiet --preset plane50 --shape 120x120x1 -k 12 --frames 100 \
        --subjects $subjects -o "$work/s$subjects"
    time=$(timed "$BRAINMINE" dictlearn fit $quiet -j 1 -k 12 -m "$work/s$subjects/mask.nii.gz" \
        -o "$work/f$subjects" "$work/s$subjects"/sub-*_bold.nii.gz)
    printf '%s\t%s\n' $subjects "$time"
done
