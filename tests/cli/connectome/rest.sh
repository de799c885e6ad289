# Real series, 94 regions of 5 subjects: what stops other solvers does not stop this one.
. "$SRC/tests/cli/decode/functions"
data=$BRAINMINE_TEST_DATA/D_rest_aal2_5subjects
if [ -z "$BRAINMINE_TEST_DATA" ] || [ ! -e "$data/NAP_001_timeseries.csv" ]; then
    echo "SKIP no D_rest_aal2_5subjects under BRAINMINE_TEST_DATA"
    exit 77
fi
head -n 177 "$data/NAP_001_timeseries.csv" > half.csv
"$BRAINMINE" connectome fit -q --model glasso --alpha 0.1 -o half half.csv
verdict "glasso(0.1) of 177 frames converges" "$(grep -c '"converged":.true' half/model.json)" 1
verdict "with its gap" "$(awk '$1 == "\"gap\":" { print ($2 + 0 >= 0 && $2 + 0 <= 1e-4) }' half/model.json)" 1
loglik() { awk '$1 == "mean" { print $3 }' "$1/scores.tsv"; }
for m in empirical ledoit-wolf; do
    "$BRAINMINE" connectome fit -q --model $m --cv kfold:3 -o $m "$data"/NAP_*_timeseries.csv
done
"$BRAINMINE" connectome fit -q --alpha 0.02,0.04 --cv kfold:3 -o group "$data"/NAP_*_timeseries.csv
verdict "sparse predicts better than Ledoit-Wolf, that better than the inverse" \
    "$(echo "$(loglik group) $(loglik ledoit-wolf) $(loglik empirical)" | awk '{ print ($1 > $2), ($2 > $3) }')" "1 1"
