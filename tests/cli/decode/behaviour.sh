# What decode promises: the same bytes however it is run, a model that predicts what it was fitted to,
# and groups, blocks and splits as the manual says.
. "$SRC/tests/cli/decode/functions"
phantom p
phantom q --seed 1
change() { "$tools/change_image" "$@" || echo "not ok change_image $*"; }
base='-q -s p/samples.tsv -t label -g run'
fit() { dir=$1; shift; "$BRAINMINE" decode fit $base -o "$dir" "$@" p/bold.nii.gz > out 2> err; }

# Threads, progress, verbosity, memory, other folders.
options='--alpha 0.2max,0.1max --select 50%'
for threads in 1 2 4; do fit threads$threads -j $threads $options; done
for threads in 2 4; do
    same_files threads1 threads$threads
    verdict "$threads threads, the same bytes" "$(cat differences)" ""
done
BRAINMINE_THREADS=3 fit again --progress always --memory 2G --no-strict $options
same_files threads1 again
verdict "again, the same bytes" "$(cat differences)" ""
mkdir elsewhere && cp -r p elsewhere
(cd elsewhere && "$BRAINMINE" decode fit -v -s ./p/../p/samples.tsv --target=label -g run -o "$PWD/result" $options \
    "$PWD/p/bold.nii.gz" --log log 2> err)
same_files threads1 elsewhere/result
verdict "other paths, the same bytes" "$(cat differences)" ""
cat > config << END
# the model
model = ridge
alpha = 0.1
target = target
samples = p/samples.tsv
groups = run

detrend = 2
END
"$BRAINMINE" decode fit -q --config config -o config1 p/bold.nii.gz 2> err
fit config2 --model ridge --alpha .1 -t target --detrend 2
verdict "a config file" "$(cmp config1/predictions.tsv config2/predictions.tsv 2>&1)" ""
"$BRAINMINE" decode fit -q --config config --detrend 1 -o config3 p/bold.nii.gz 2> err
fit config4 --model ridge --alpha .1 -t target
verdict "the command line wins over it" "$(cmp config3/predictions.tsv config4/predictions.tsv 2>&1)" ""
fit seed1 --model ridge --alpha 1 --seed 5 --cv shuffle:6:0.25
fit seed2 --model ridge --alpha 1 --seed 5 --cv shuffle:6:0.25
fit seed3 --model ridge --alpha 1 --seed 6 --cv shuffle:6:0.25
same_files seed1 seed2
verdict "the seed decides" "$(cat differences) $(cmp -s seed1/predictions.tsv seed3/predictions.tsv && echo equal)" " "
verdict "the seed is recorded" "$(grep -c '"seed":.*5' seed1/model.json)" 1

# stdout and stderr.
"$BRAINMINE" decode fit -s p/samples.tsv -t label -g run --model svm -o loud p/bold.nii.gz > out 2> err
verdict "stdout is empty unless asked for; one line on stderr" "$(wc -c < out) $(wc -l < err)" "0 1"
score=$(awk '{ printf "%.3f", $1 }' << END
$(mean loud/scores.tsv accuracy)
END
)
verdict "the line has the score of the table" "$(grep -c "accuracy $score (sd " err)" 1
"$BRAINMINE" decode fit -q --progress always -s p/samples.tsv -t label -g run --model svm -o always p/bold.nii.gz 2> err
verdict "--progress always: a line per 10 % at most" \
    "$(grep -Evc '^brainmine decode: [a-z ]+ [0-9]+0 %$' err) $(sort err | uniq -d | wc -l)" "0 0"
"$BRAINMINE" decode fit --progress never -s p/samples.tsv -t label -g run --model svm -o never p/bold.nii.gz 2> err
verdict "--progress never" "$(grep -c '%' err)" 0
"$BRAINMINE" decode fit -s p/samples.tsv -t label -g run --model svm --log log -o logged p/bold.nii.gz 2> err
verdict "the log is there" "$(ls log)" log
"$BRAINMINE" decode fit --json -s p/samples.tsv -t label -g run --model svm -o json p/bold.nii.gz > out 2> err
for key in command version parameters outputs scores accuracy mean sd converged gap warnings; do
    grep -q "\"$key\":" out || echo "not ok the summary has \"$key\""
done
verdict "--json is one document" "$(head -c 1 out)$(tail -n 1 out) $(wc -c < err)" "{} 0"
verdict "its score is that of the table" \
    "$(grep -A1 '"accuracy":' out | sed -n 's/.*"mean":[[:space:]]*\([0-9.]*\).*/\1/p')" \
    "$(mean json/scores.tsv accuracy)"
verdict "its outputs are the files" "$(grep -o '"json/[a-z.]*"' out | sort | tr -d '"' | xargs ls | wc -l)" 8
verdict "it converged" "$(grep -c '"converged":.*true' out)" 1
if command -v python3 > /dev/null; then
    verdict "--json is JSON" "$(python3 -c 'import json,sys; json.load(sys.stdin)' < out 2>&1)" ""
fi
"$BRAINMINE" decode fit -n --json -s p/samples.tsv -t label -g run -o dry p/bold.nii.gz > out 2> err
verdict "the plan in the summary" "$(grep -c '"plan":' out) $(ls -d dry 2> /dev/null)" "1 "
fit loose --model svm --tolerance 0.5
fit strict --model svm --tolerance 1e-16 --strict
verdict "--strict fails when a fit has not converged" "$? $(grep -c 'not converged, and --strict is given' err)" "1 1"
verdict "and says by how much" "$(grep -c 'the gap is [0-9.e-]* .*--strict' err)" 1

# A list of images, and images as groups.
change p/bold.nii.gz a.nii frames=0:24
change p/bold.nii.gz b.nii frames=24:16
change p/bold.nii.gz c.nii frames=40:24
printf 'a.nii\nb.nii\n\nc.nii\n' > list.txt
"$BRAINMINE" decode fit -q -s p/samples.tsv -t label --model svm -m none -o operands a.nii b.nii c.nii 2> err
"$BRAINMINE" decode fit -q -s p/samples.tsv -t label --model svm -m none -o list @list.txt 2>> err
same_files operands list
verdict "@list.txt stands for its lines" "$(cat err differences)" ""
verdict "several images are groups" \
    "$(cut -f2-4 operands/scores.tsv | sed -n 2,4p | tr '\t\n' ' |')" "a 40 24|b 48 16|c 40 24|"
printf 'subject\timage\tvolumes\n' > ranges.tsv
printf '1\tp/bold.nii.gz\t%s\n' 0:24 24:40 40:64 >> ranges.tsv
"$BRAINMINE" decode fit -q -s p/samples.tsv -t label --model svm -m none --subjects ranges.tsv -o ranges 2> err
verdict "ranges of a long image are the same" \
    "$(cut -f1,3- ranges/predictions.tsv | sed 1d > r; cut -f1,3- operands/predictions.tsv |
    sed 1d | cmp - r 2>&1)" ""
"$BRAINMINE" decode fit -q -s p/samples.tsv -t label --model svm -o blocks p/bold.nii.gz
verdict "one image without groups: five blocks" \
    "$(cut -f2-4 blocks/scores.tsv | sed -n 2,6p | sort | uniq -c | tr -s '\t ' ' ' | tr '\n' '|')" \
    " 4 n/a 51 13| 1 n/a 52 12|"
verdict "blocks are contiguous" "$(awk -F'\t' 'NR > 1' blocks/predictions.tsv | wc -l)" 64

# Splits.
fit kfold2 --model svm --cv kfold:2
verdict "kfold:2 of four groups" "$(column kfold2/scores.tsv n_test | head -n 2 | tr '\n' ' ')" "32 32 "
fit logo --model svm --cv logo
fit none --model svm
same_files logo none
verdict "logo is what four groups have anyway" \
    "$(cmp logo/scores.tsv none/scores.tsv 2>&1; cmp logo/weights.nii.gz none/weights.nii.gz 2>&1)" ""
fit shuffle --model svm --cv shuffle:7:0.25
verdict "shuffle:7:0.25 has seven draws of a group" \
    "$(column shuffle/scores.tsv n_test | head -n 7 | sort | uniq -c | tr -s ' ')" " 7 16"
awk -F'\t' -v OFS='\t' 'NR > 1 { $3 = int((NR - 2) / 4) } { print }' p/samples.tsv > many.tsv
"$BRAINMINE" decode fit -q -s many.tsv -t label -g run --runs 2 --model svm -o bad p/bold.nii.gz 2> err
"$BRAINMINE" decode fit -q -s many.tsv -t label -g run --detrend 0 --model svm -o many p/bold.nii.gz 2> err
verdict "16 groups: ten folds of groups" "$(column many/scores.tsv fold | grep -c '^[0-9]')" 10
fit inner1 --model ridge -t target --alpha 1,10,100 --nested no
fit inner2 --model ridge -t target --alpha 1,10,100
verdict "--nested no scores what it chose by" "$(column inner1/scores.tsv alpha | head -n 4 | sort -u | wc -l)" 1
better=$(awk -v a="$(mean inner1/scores.tsv r2)" -v b="$(mean inner2/scores.tsv r2)" 'BEGIN { print (a >= b - 1e-12) }')
verdict "which cannot be the worse score" "$better" 1

# --alpha in its forms.
fit alpha1 --model ridge -t target --alpha 0.1max
largest=$(awk -F'\t' 'NR == 2 { print $5 * 10 }' alpha1/scores.tsv)
fit alpha2 --model ridge -t target --alpha max
verdict "max is ten times 0.1max" \
    "$(awk -F'\t' -v m="$largest" 'NR == 2 { print (($5 / m - 1) ^ 2 < 1e-10) }' alpha2/scores.tsv)" 1
fit alpha3 --model ridge -t target --alpha auto
verdict "auto is ten values down to a thousandth" "$(awk -F'\t' '$1 == "all" { n++; if (n == 1) a = $2; b = $2 }
    END { print n, ((a / b / 1000 - 1) ^ 2 < 1e-20) }' alpha3/path.tsv)" "10 1"
fit alpha4 --model ridge -t target --alpha 1:3
verdict "a range" "$(awk -F'\t' '$1 == "all" { printf "%s ", $2 }' alpha4/path.tsv)" "3 2 1 "
fit alpha5 --model ridge -t target --alpha 0.5max,1e-2max,.1max
verdict "fractions, from the strongest" \
    "$(awk -F'\t' '$1 == "all" { if (n++ == 0) m = $2 * 2; printf "%.3g ", $2 / m }' \
    alpha5/path.tsv)" "0.5 0.1 0.01 "
fit alpha6 --model tv-l1 --alpha max -m p/mask.nii.gz
verdict "at alpha_max all weights are 0" \
    "$(grep -A12 '"certificate"' alpha6/model.json | grep -c '"nonzeros":[[:space:]]*0')" 1

# Blocks: consecutive rows of equal target and group.
awk -F'\t' -v OFS='\t' 'NR > 1 { $1 = int((NR - 2) / 4) % 2 ? "b" : "a" } { print }' p/samples.tsv > four.tsv
"$BRAINMINE" decode fit -q -s four.tsv -t label -g run --model svm --average block -o averaged p/bold.nii.gz
verdict "blocks are samples, called by their first rows" "$(column averaged/predictions.tsv sample | tr '\n' ' ')" \
    "$(seq 0 4 60 | tr '\n' ' ')"

# The model: predict and score.
fit model --model svm --C 1000
"$BRAINMINE" decode predict --from model -s p/samples.tsv -t label -g run -o train.tsv p/bold.nii.gz 2> err
"$BRAINMINE" decode score --from model -s p/samples.tsv -t label -g run p/bold.nii.gz > train_score 2>> err
verdict "a hard svm knows what it was fitted to" "$(column train_score value | head -n 1) $(wc -c < err)" "1 0"
verdict "columns of score" "$(head -n 1 train_score | tr '\t' ' ') $(column train_score score | tr '\n' ' ')" \
    "score value n accuracy balanced_accuracy roc_auc f1 "
verdict "columns of predict" \
    "$(head -n 1 train.tsv | tr '\t' ' ') $(wc -l < train.tsv)" "sample group target prediction decision 65"
"$BRAINMINE" decode predict --from model -s q/samples.tsv -t label -g run -o new.tsv q/bold.nii.gz
"$BRAINMINE" decode score --from model -s q/samples.tsv -t label -g run --json q/bold.nii.gz > score.json 2> err
"$BRAINMINE" decode score --from model -s q/samples.tsv -t label -g run -o score.tsv q/bold.nii.gz
for pair in new.tsv:score.tsv train.tsv:train_score; do
    verdict "accuracy of score is that of predict: ${pair%:*}" \
        "$(awk -F'\t' 'FNR == 1 { f++; next } f == 1 { n++; hit += $3 == $4; next }
            $1 == "accuracy" { print (($2 - hit / n) ^ 2 < 1e-20 && $3 == n) }' ${pair%:*} ${pair#*:})" 1
done
verdict "--json of score" "$(grep -c '"accuracy":' score.json)" 1
"$BRAINMINE" decode score --from model -s q/samples.tsv -t label -g run --scoring roc_auc q/bold.nii.gz > one
verdict "--scoring of score" "$(column one score)" roc_auc
"$BRAINMINE" decode predict --from model -o bare.tsv q/bold.nii.gz 2> err
verdict "predict without a table" \
    "$? $(head -n 2 bare.tsv | tail -n 1 | cut -f1-3 | tr '\t' ' ') $(wc -l < bare.tsv)" "0 0 n/a n/a 65"
gzip -dc p/bold.nii.gz > whole.nii
change whole.nii float.nii
"$BRAINMINE" decode predict --from model -s p/samples.tsv -g run float.nii 2>> err | cut -f5 > decisions
verdict "float32 in place of int16: the same decisions" "$(cut -f5 train.tsv | cmp - decisions 2>&1)" ""
verdict "the file's type differs" "$(od -An -td2 -j70 -N2 whole.nii; od -An -td2 -j70 -N2 float.nii)" "      4
     16"
change whole.nii scaled.nii times=0.25 add=10 int16=0.25,10
change scaled.nii scaled_float.nii
"$BRAINMINE" decode fit $base --model svm -o slope scaled.nii 2> err
"$BRAINMINE" decode fit $base --model svm -o slope_float scaled_float.nii 2>> err
same_files slope slope_float
verdict "int16 with a slope is its float32" "$(grep -v model.json differences; cat err)" ""
fit plain --model svm
verdict "a slope changes no result" "$(close plain/weights.nii.gz slope/weights.nii.gz 1e-4; echo $?)" 0
# predict in parts is predict of all, when runs are cleaned apart.
change whole.nii r0.nii frames=0:16
"$BRAINMINE" decode predict --from model r0.nii > part 2> err
verdict "a warning that it is cleaned whole" "$(grep -c 'warning: .*cleaned by runs' err)" 1
verdict "one run by itself" "$(awk -F'\t' 'FNR == 1 { next } NR == FNR { d[FNR] = $5; next }
    FNR <= 17 { if (($5 - d[FNR]) ^ 2 > 1e-10) print FNR }' train.tsv part)" ""
"$BRAINMINE" decode fit -q -s p/samples.tsv -t target -g run --model ridge --alpha 1e-3 -o ridge p/bold.nii.gz
"$BRAINMINE" decode score --from ridge -s p/samples.tsv -t target -g run p/bold.nii.gz > ridge_score
verdict "a light ridge fits its rows, but for what cleaning takes" \
    "$(awk -F'\t' '$1 == "r2" { print ($2 > 0.8) }' ridge_score)" 1
verdict "scores of a regression" "$(column ridge_score score | tr '\n' ' ')" "r2 explained_variance mse correlation "
"$BRAINMINE" decode fit -q -s four.tsv -t label -g run --model svm --average block --C 1000 -o block_model p/bold.nii.gz
"$BRAINMINE" decode predict --from block_model -s four.tsv -t label -g run p/bold.nii.gz > blocks.tsv
verdict "predict makes blocks as fit did" "$(column blocks.tsv sample | tr '\n' ' ')" "$(seq 0 4 60 | tr '\n' ' ')"
verdict "and knows them" "$(awk -F'\t' 'NR > 1 && $3 != $4' blocks.tsv | wc -l)" 0
"$BRAINMINE" decode fit -q -s p/samples.tsv -t label -g run --model svm --smooth 4 --standardize psc --detrend 2 \
    --C 1000 -m p/mask.nii.gz -o prepared p/bold.nii.gz
"$BRAINMINE" decode score --from prepared -s p/samples.tsv -t label -g run p/bold.nii.gz > prepared_score
verdict "predict prepares images as fit did" "$(column prepared_score value | head -n 1)" 1
