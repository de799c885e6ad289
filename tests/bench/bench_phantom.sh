#!/bin/sh
# What tv-l1 finds on the phantom of known truth, beside the linear SVM: mean of three seeds.
# Accuracy and R2 are of a second phantom (other seed) that the model never saw, and nested
# cross-validation's; average precision is of |weights| against the true regions.
set -e
BRAINMINE=${BRAINMINE:-./brainmine}
tools=${BUILD:-build/release}/tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fit() { # NAME SEED OPTIONS...
    name=$1 data=$work/train$2
    shift 2
    "$BRAINMINE" decode fit -q --progress never -m "$data/mask.nii.gz" -s "$data/samples.tsv" \
        -o "$work/$name" "$@" "$data/bold.nii.gz"
}
report() { # NAME SEED TARGET TRUTH SCORE
    model=$1 seed=$2 target=$3 truth=$4 score=$5 test=$work/test$2
    cv=$(awk -F'\t' -v s="$score" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == s) c = i }
                               $1 == "mean" { print $c }' "$work/$model/scores.tsv")
    new=$("$BRAINMINE" decode score -q --progress never --from "$work/$model" -s "$test/samples.tsv" \
        -t "$target" --scoring "$score" "$test/bold.nii.gz" | awk 'NR == 2 { print $2 }')
    map=$("$tools/map_score" "$work/$model/weights.nii.gz" "$work/train$seed/$truth" \
        "$work/train$seed/mask.nii.gz" | awk 'NR == 2 { print $2 "\t" $4 }')
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$model" "$seed" "$score" "$cv" "$new" "$map"
}
for seed in 0 1 2; do
    "$BRAINMINE" simulate decode -q --progress never --preset decode25k --seed $seed \
        -o "$work/train$seed"
    "$BRAINMINE" simulate decode -q --progress never --preset decode25k --seed $((seed + 1000)) \
        -o "$work/test$seed"
    fit svm-$seed $seed -t label -g run --model svm
    report svm-$seed $seed label truth.nii.gz accuracy
    fit tv-l1-$seed $seed -t label -g run
    report tv-l1-$seed $seed label truth.nii.gz accuracy
    fit regression-$seed $seed -t target
    report regression-$seed $seed target truth_target.nii.gz r2
done | awk -F'\t' '
    BEGIN { print "model\tseed\tscore\tnested_cv\tnew_data\taverage_precision\tzeros_outside" }
    { sub(/-[0-9]+$/, "", $1); print $1 "\t" $2 "\t" $3 "\t" $4 "\t" $5 "\t" $6 "\t" $7
      if (!($1 in n)) order[++k] = $1
      n[$1]++; s[$1] = $3; a[$1] += $4; b[$1] += $5; c[$1] += $6; d[$1] += $7; fflush() }
    END { for (i = 1; i <= k; i++) { m = order[i]
          printf "%s\tmean\t%s\t%.3f\t%.3f\t%.3f\t%.0f\n", m, s[m], a[m] / n[m], b[m] / n[m],
                 c[m] / n[m], d[m] / n[m] } }'
