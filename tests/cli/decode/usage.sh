# Options that are wrong, contradict each other, or belong to what is not built: exit 2, one sentence.
. "$SRC/tests/cli/decode/functions"
phantom p
base='-s p/samples.tsv -t label -g run'
wrong() { # NAME PATTERN OPTIONS...
    name=$1 pattern=$2
    shift 2
    refused "$name" 2 "brainmine decode: $pattern" decode fit $base "$@" p/bold.nii.gz
}
wrong "--alpha with svm" '--alpha does not apply to --model svm' --model svm --alpha 1
wrong "--alpha with correlation" '--alpha does not apply*' --model correlation --alpha 0.1max
wrong "--C with ridge" '--C does not apply to --model ridge' --model ridge --C 1,10
wrong "--C with tv-l1" '--C does not apply to --model tv-l1' --C 10
wrong "--alpha with svm, at its default" '--alpha does not apply*' --model svm --alpha auto
wrong "--C with ridge, at its default" '--C does not apply*' --model ridge --C 1
wrong "--l1-ratio with tv" '--l1-ratio does not apply to --model tv' --model tv --l1-ratio .2
wrong "--loss with svm" '--loss does not apply*' --model svm --loss squared
wrong "--scoring of numbers for classes" '--scoring r2 is not for classification' --scoring r2
wrong "--scoring of classes for numbers" '--scoring accuracy is not for regression' \
    --model ridge -t target --scoring accuracy
wrong "--scoring of one of both" '--scoring mse*' --scoring accuracy,mse
wrong "--scoring that is none" '--scoring wants names among accuracy*' --scoring guess
wrong "--scoring with an empty name" '--scoring wants names*' --scoring accuracy,
wrong "a model for classes on numbers" '--model svm is for classes*' --model svm -t target
wrong "--loss logistic on numbers" '--loss logistic is for classes*' --loss logistic -t target
wrong "--keep and --drop" 'give --keep or --drop, not both' --keep face --drop house
wrong "--boundary with ridge" '--boundary does not apply*' --model ridge --boundary zero
for later in "--permutations 10" "--permute-within run"; do
    wrong "later: $later" "unknown option '${later% *}'*" $later
done
for model in graphnet lasso elastic-net lars svm-l1 logistic-l1 knn frem; do
    wrong "later: --model $model" "--model wants one of tv-l1, tv, ridge, svm, logistic, correlation, got '$model'" \
        --model $model
done
for verb in searchlight univariate; do
    try "later: $verb" 2 "brainmine decode: '$verb' is neither a verb (fit, predict, score) nor a file" \
        decode $verb $base -o later p/bold.nii.gz
done
for value in -1 0 nan inf 1e999 x '' 0max -1max maxmax 1,,2 , 1e400max 'auto,1' 0x 5:1:; do
    wrong "--alpha '$value'" "--alpha wants*" --model ridge "--alpha=$value"
    case $value in *max*) continue ;; esac
    wrong "--C '$value'" "--C *" --model svm "--C=$value"
done
wrong "--alpha of numbers and fractions" '--alpha wants all numbers or all fractions*' --model ridge --alpha 2,0.5max
for value in -0.1 1.1 nan x ''; do wrong "--l1-ratio '$value'" "--l1-ratio *" "--l1-ratio=$value"; done
for value in 0 -5% 101% x% % '' nan; do wrong "--select '$value'" "--select wants*" "--select=$value"; done
for value in kfold kfold:1 kfold:0 kfold:x kfold:-3 logo:2 shuffle shuffle:5 shuffle:0:.2 shuffle:5:0 \
    shuffle:5:1 shuffle:5:nan loo ''; do
    wrong "--cv '$value'" "--cv *" "--cv=$value"
    wrong "--inner-cv '$value'" "--inner-cv *" "--inner-cv=$value"
done
for option in smooth=-1 smooth=nan detrend=-2 detrend=1.5 standardize=zz high-pass=-1 tr=-1 tr=0 scrub=-1 resample=0 \
    resample=-2 threads=0 seed=-1 tolerance=0 nested=maybe average=blocks task=guess boundary=none; do
    wrong "--$option" "--${option%=*} wants*" "--$option"
done
wrong "--high-pass over --low-pass" '--high-pass 0.2 Hz must be below --low-pass 0.1 Hz' --high-pass .2 --low-pass .1
try "--low-pass beyond what the TR allows is a warning" 0 '*' decode fit $base --model svm --low-pass .25 -o slow \
    p/bold.nii.gz
verdict "and says the frequency" \
    "$(grep -c 'warning: p/bold.nii.gz: --low-pass 0.25 Hz removes nothing: with a TR of 2 s' err)" 1
try "--low-pass below it is none" 0 '*' decode fit $base --model svm --low-pass .24 -o fast p/bold.nii.gz
verdict "and is silent" "$(grep -c warning err)" 0
refused "--strict takes it as an error" 3 \
    '*p/bold.nii.gz: --low-pass 1 Hz removes nothing*: 1 warning about the input*' decode fit $base \
    --strict -q --low-pass 1 p/bold.nii.gz
try "a score that no fold defines" 0 '*' decode fit -s p/samples.tsv -t run -g run --model ridge --alpha 1 -o flat \
    p/bold.nii.gz
verdict "is told" \
    "$(grep -c 'warning: r2 is not defined in any fold' err) $(column flat/scores.tsv r2 | sort -u)" "1 n/a"
refused "predict: --keep without --target" 2 '*--target is needed: the column that --keep chooses by' \
    decode predict --from fast -s p/samples.tsv --keep face p/bold.nii.gz
refused "predict: --keep and --drop" 2 '*give --keep or --drop, not both' \
    decode predict --from fast -s p/samples.tsv -t label --keep face --drop house p/bold.nii.gz
wrong "an option of another verb" "unknown option '--from' of fit: it is one of predict, score" --from x
try "the model without --tr is read back" 0 '*' decode predict -q --from fast p/bold.nii.gz
refused "--high-pass beyond it leaves nothing" 3 '*filter and confounds take 16 degrees of freedom: nothing is left' \
    decode fit $base --high-pass .25 p/bold.nii.gz
wrong "--scrub without confounds" '--scrub needs confounds*' --scrub .5
wrong "--confounds for more images than there are" '--confounds names 2 files for 1 image*' --confounds a.tsv,b.tsv
wrong "a range backwards" "--alpha wants ranges first:last or first:step:last that go*got '12:6'" --alpha 12:6
wrong "a step of 0" "--alpha wants ranges*got '1:0:5'" --alpha 1:0:5
wrong "a range of too many" "--alpha lists more than 1000 numbers: '1:1e7'" --alpha 1:1e7
wrong "not a number among alphas" "--alpha wants auto, numbers or fractions*got '1,x'" --alpha 1,x
wrong "folds without end" "--cv wants *K up to 10000, got 'shuffle:100000000:.5'" --cv shuffle:100000000:.5
try "predict --json without a file for the table" 2 'brainmine decode: --json *give --output FILE*' decode predict \
    --from fast --json p/bold.nii.gz
try "--from a file of the model" 3 'brainmine decode: fast/model.json: is a file: --from wants the directory*' decode \
    predict --from fast/model.json p/bold.nii.gz
try "scores in the order that is asked for" 0 '' decode score --from fast -q --scoring f1,accuracy $base p/bold.nii.gz
verdict "f1 first" "$(column out score | tr '\n' ' ')" "f1 accuracy "
wrong "an unknown option" "unknown option '--modle'; the nearest is '--model'" --modle svm
try "a missing value" 2 'brainmine decode: --model wants a value*' decode fit $base p/bold.nii.gz --model
refused "a value that is an operand" 2 "*got 'p/bold.nii.gz'" decode fit $base p/bold.nii.gz --model p/bold.nii.gz
try "no table" 2 'brainmine decode: --samples is needed*' decode fit -t label -o none p/bold.nii.gz
try "no target" 2 'brainmine decode: --target is needed*' decode fit -s p/samples.tsv -o none p/bold.nii.gz
try "no output" 2 'brainmine decode: an output directory is needed*' decode fit $base p/bold.nii.gz
try "stdout as the output of several files" 2 '*--output wants a directory' decode fit $base -o - p/bold.nii.gz
try "no images" 2 'brainmine decode: no images given' decode fit $base -o none
try "predict without a model" 2 'brainmine decode: --from is needed*' decode predict p/bold.nii.gz
try "score without a table" 2 'brainmine decode: --samples and --target are needed*' decode score --from p p/bold.nii.gz
try "score by a name that is none" 2 '*--scoring wants names among*' decode score --from p $base --scoring guess \
    p/bold.nii.gz
try "predict with a column but no table" 2 '*--samples is needed*' decode predict --from p -g run p/bold.nii.gz
try "fit's options are not predict's" 2 "*--alpha*" decode predict --from p --alpha 1 p/bold.nii.gz
try "predict --tr 0" 2 "brainmine decode: --tr wants*got '0'" decode predict --from fast --tr 0 p/bold.nii.gz
verdict "nothing was made of all this" "$(ls -d none later 2>/dev/null)" ""
