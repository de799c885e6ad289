# What decode fit writes: the files of the contract, their columns, and numbers that agree with each
# other.
. "$SRC/tests/cli/decode/functions"
phantom p
phantom four --classes 4
"$BRAINMINE" decode fit -q -s p/samples.tsv -t label -g run --model svm --C .01,1 --scoring \
    accuracy,balanced_accuracy,roc_auc,f1 -o two p/bold.nii.gz > out 2> err
verdict "a quiet fit says nothing" "$? $(cat out err | wc -c)" "0 0"
"$BRAINMINE" decode -s four/samples.tsv -t label -g run --model logistic -o several four/bold.nii.gz > out 2> err
verdict "decode without a verb is fit, and leaves stdout alone" "$? $(wc -c < out)" "0 0"
"$BRAINMINE" decode fit -q -s p/samples.tsv -t target -g run --model ridge -o number p/bold.nii.gz
"$BRAINMINE" decode fit -q -s p/samples.tsv -t label -g run --alpha 0.3max,0.1max --l1-ratio .3,.7 \
    -m p/mask.nii.gz -o tv p/bold.nii.gz

all='confusion.tsv mask.nii.gz model.json path.tsv predictions.tsv run.json scores.tsv weights.nii.gz'
files() { (cd "$1" && find . -mindepth 1 | sed 's|./||' | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//'); }
for d in two several tv; do verdict "files of $d" "$(files $d)" "$all"; done
verdict "files of a regression" "$(files number)" "${all#confusion.tsv }"

header() { verdict "columns of $1" "$(head -n 1 "$1" | tr '\t' ' ')" "$2"; }
scores='fold group n_train n_test alpha l1_ratio C'
header two/scores.tsv "$scores accuracy balanced_accuracy roc_auc f1 chance"
header several/scores.tsv "$scores accuracy balanced_accuracy roc_auc chance"
header number/scores.tsv "$scores r2 explained_variance mse chance"
header two/predictions.tsv 'sample group target prediction decision'
header several/predictions.tsv 'sample group target prediction face house key lamp'
header number/predictions.tsv 'sample group target prediction decision'
header two/confusion.tsv 'truth face house'
header several/confusion.tsv 'truth face house key lamp'
for d in two several number tv; do
    header $d/path.tsv 'fold alpha l1_ratio score gap iterations nonzeros'
    ragged=$(awk -F'\t' 'FNR == 1 { n = NF } NF != n' $d/*.tsv | wc -l)
    verdict "rows of $d have the columns of their headers" "$ragged" 0
    verdict "tables of $d end lines by LF alone" "$(cat $d/*.tsv | grep -c "$(printf '\r')")" 0
    # The mean and the sd (ddof 1) of each column that has numbers.
    awk -F'\t' 'NR == 1 { n = NF; next }
        $1 == "mean" || $1 == "sd" { for (c = 8; c <= n; c++) found[$1, c] = $c; next }
        { k++; for (c = 8; c <= n; c++) { sum[c] += $c; x[k, c] = $c } }
        END {
            for (c = 8; c <= n; c++) {
                m = sum[c] / k; s = 0
                for (i = 1; i <= k; i++) s += (x[i, c] - m) ^ 2
                s = sqrt(s / (k - 1))
                d = (m - found["mean", c]) ^ 2 + (s - found["sd", c]) ^ 2
                if (d > 1e-20 * (1 + m * m)) print "column " c ": " m " " s
            }
            if (k != 4) print k " folds"
        }' $d/scores.tsv > wrong
    verdict "mean and sd of $d" "$(cat wrong)" ""
    verdict "the last rows of $d" "$(tail -n 2 $d/scores.tsv | cut -f1-7 | tr '\t\n' ' |')" \
        'mean n/a n/a n/a n/a n/a n/a|sd n/a n/a n/a n/a n/a n/a|'
    # Predictions: every row of the table once, in order, with its run and target.
    for c in sample:NR-2 group:run; do
        verdict "$d: column ${c%:*} of the predictions" "$(column $d/predictions.tsv ${c%:*} | cksum)" \
            "$(if [ ${c#*:} = run ]; then column p/samples.tsv run; else seq 0 63; fi | cksum)"
    done
done
verdict "targets of the predictions" \
    "$(column two/predictions.tsv target | cksum)" "$(column p/samples.tsv label | cksum)"
verdict "targets that are numbers" "$(column number/predictions.tsv target | awk '{ printf "%.9g\n", $1 }' | cksum)" \
    "$(column p/samples.tsv target | awk '{ printf "%.9g\n", $1 }' | cksum)"
verdict "a number's prediction is its decision" "$(column number/predictions.tsv prediction | cksum)" \
    "$(column number/predictions.tsv decision | cksum)"

for d in two several tv; do
    # Accuracy of each fold from the predictions of its group; the confusion from the same.
    awk -F'\t' 'FNR == 1 { f++; next }
        f == 1 { n[$2]++; hit[$2] += $3 == $4; pair[$3, $4]++; next }
        f == 2 { if ($1 ~ /^[0-9]+$/) { k++; if (($8 - hit[$2] / n[$2]) ^ 2 > 1e-20 || $4 != n[$2]) print "fold " $1 } }
        END { if (k != 4) print k " folds" }' $d/predictions.tsv $d/scores.tsv > wrong
    verdict "$d: accuracy is that of the predictions" "$(cat wrong)" ""
    awk -F'\t' 'FNR == 1 { f++; if (f == 2) split($0, name); next }
        f == 1 { pair[$3, $4]++; next }
        { for (c = 2; c <= NF; c++) if ($c != pair[$1, name[c]] + 0) print $1 " as " name[c] }' \
        $d/predictions.tsv $d/confusion.tsv > wrong
    verdict "$d: the confusion is that of the predictions" "$(cat wrong)" ""
done
verdict "a positive decision is the second class" \
    "$(awk -F'\t' 'NR > 1 && ($5 > 0) != ($4 == "house")' two/predictions.tsv | wc -l)" 0
verdict "the largest of several decisions is the prediction" "$(awk -F'\t' '
    NR == 1 { split($0, name); next }
    { b = 5; for (c = 6; c <= NF; c++) if ($c > $b) b = c; if ($4 != name[b]) print }' several/predictions.tsv)" ""
awk -F'\t' 'FNR == 1 { f++; next }
    f == 1 { n[$2]++; s[$2] += $3; q[$2] += $3 ^ 2; e[$2] += ($3 - $4) ^ 2; next }
    $1 ~ /^[0-9]/ { total = q[$2] - s[$2] ^ 2 / n[$2]
        if (($8 - (1 - e[$2] / total)) ^ 2 > 1e-14 || ($10 - e[$2] / n[$2]) ^ 2 > 1e-14) print "fold " $1 }' \
    number/predictions.tsv number/scores.tsv > wrong
verdict "r2 and mse are those of the predictions" "$(cat wrong)" ""

# Parameters stand in the columns they belong to.
verdict "columns of an svm" "$(sed -n 2p two/scores.tsv | cut -f5-6 | tr '\t' ' ')" "n/a n/a"
verdict "C of an svm" "$(column two/scores.tsv C | head -n 4 | grep -Evc '^(0.01|1)$')" 0
verdict "columns of tv-l1" "$(awk -F'\t' 'NR > 1 && NR < 6 && $5 > 0 && ($6 == .3 || $6 == .7) && $7 == "n/a"' \
    tv/scores.tsv | wc -l)" 4
verdict "the path has each point of each fold and of all" \
    "$(column tv/path.tsv fold | sort | uniq -c | awk '{ print $1 $2 }' | tr '\n' ' ')" \
    "40 41 42 43 4all "
verdict "gaps along the path are under 1e-3" "$(column tv/path.tsv gap | awk '$1 > 1e-3' | wc -l)" 0

# Images: one map for two classes, one a class for several, 0 outside the mask.
dims() { od -An -td2 -j40 -N10 "$1" | tr -s ' '; }
for d in two several tv; do gzip -dc $d/weights.nii.gz > $d.nii; done
verdict "two classes: one map" "$(dims two.nii)" " 3 12 14 10 1"
verdict "several classes: a map each" "$(dims several.nii)" " 4 12 14 10 4"
verdict "weights are named" "$(od -An -c -j328 -N7 two.nii | tr -d ' ')" "weights"
verdict "weights are float32 with slope 1" "$(od -An -td2 -j70 -N2 two.nii; od -An -tf4 -j112 -N8 two.nii)" "     16
               1               0"
gzip -dc p/bold.nii.gz > bold.nii
verdict "weights have the transforms of the input" "$(cmp bold.nii two.nii 2>&1 -i 252 -n 76 && echo same)" same
verdict "the mask given is the mask written" "$("$tools/compare_images" p/mask.nii.gz tv/mask.nii.gz)" "0${tab}1"
"$tools/map_score" tv/weights.nii.gz p/truth.nii.gz p/mask.nii.gz > score
verdict "weights outside the mask are 0" "$(column score off_mask)" 0
verdict "the comment names the version, not the command line" \
    "$(grep -c 'brainmine [0-9.]* decode fit: svm weights, 64 samples' two.nii) $(grep -c bold.nii two.nii)" "1 0"
verdict "gzip time stamps are 0" \
    "$(for f in two/*.gz; do od -An -tx4 -j4 -N4 $f; done | tr -d ' \n')" "0000000000000000"

# JSON.
for d in two several number tv; do
    for f in model run; do
        if ! command -v python3 > /dev/null; then continue; fi
        verdict "$d/$f.json is JSON" "$(python3 -c 'import json,sys; json.load(open(sys.argv[1]))' $d/$f.json 2>&1)" ""
    done
done
model_keys='format version command parameters inputs estimator task classes intercept certificate
folds primal dual gap iterations converged sha256'
for key in $model_keys; do grep -q "\"$key\":" two/model.json || echo "not ok model.json has $key"; done
echo "ok model.json has its keys"
verdict "model.json is free of paths, times, threads" \
    "$(grep -Eci "\"(threads|seconds|host|started|argv|output|force)\"|/" two/model.json)" 0
for key in argv started seconds host threads peak_bytes cache_hits version; do
    grep -q "\"$key\":" two/run.json || echo "not ok run.json has $key"
done
echo "ok run.json has its keys"
verdict "certificates have converged" \
    "$(grep -c '"converged":.*true' two/model.json) $(grep -c '"converged":.*false' two/model.json)" "5 0"

# Means of classes have no objective, and no gap to it.
"$BRAINMINE" decode fit -s p/samples.tsv -t label -g run --model correlation -o means p/bold.nii.gz 2> err
verdict "no gap is printed where there is none" \
    "$(grep -c 'voxels have weights; in means$' err) $(grep -c gap err)" "1 0"
verdict "nor written" "$(column means/path.tsv gap | sort -u) $(grep -c '"gap_rel":.*null' means/model.json)" "n/a 5"
"$BRAINMINE" decode fit --json -s p/samples.tsv -t label -g run --model correlation -f -o means p/bold.nii.gz > out
verdict "the summary has none either" "$(grep -c '"gap":.*null' out) $(grep -c '"converged":.*true' out)" "1 1"
