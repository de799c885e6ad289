# -v, -vv and --log: steps, with times; and all that is said on standard error is in the log.
. "$SRC/tests/cli/decode/functions"
phantom ph
fit="decode -s ph/samples.tsv -t label -g run -m ph/mask.nii.gz --model svm --C 0.1,1"
lines() { grep -c "$1" "$2"; }

try "a fit that logs" 0 "*" $fit -j 1 --log log -o quiet -q ph/bold.nii.gz
verdict "-q is silent" "$(cat err)" ""
verdict "the log has a line for the image" "$(lines ': read ph/bold.nii.gz: 64 volumes$' log)" 1
verdict "the log has a line for each run" "$(lines ': cleaned run [0-3]: 16 volumes' log)" 4
verdict "the log has a line for what each fold chose" \
    "$(lines ': fold [0-3]: chose C ' log) $(lines ': all samples: chose C ' log)" "4 1"
verdict "the log has a line for each fit" "$(lines 'fitted [0-9]* samples' log)" 5
verdict "the log has the result" "$(lines 'voxels have weights' log)" 1
verdict "the log has no debug lines" "$(lines 'debug: ' log)" 0
verdict "each line has a time and the command" \
    "$(grep -Evc '^20[0-9-]*T[0-9:.]*Z brainmine decode: ' log)" 0

try "the same from the cache" 0 "*" $fit --log warm -o warm_out ph/bold.nii.gz
verdict "the default says the result alone" "$(wc -l < err) $(lines 'have weights' err)" "1 1"
verdict "the log tells what the cache had" "$(($(lines 'cache: prepare.run from entry' warm)))" 4

try "-v" 0 "*" $fit -j 1 --cache off -v -o v_out ph/bold.nii.gz
verdict "-v says steps and seconds" \
    "$(lines '^brainmine decode: [0-9]*\.[0-9][0-9] s: cleaned run ' err) $(lines 'debug' err)" "4 0"
try "-vv" 0 "*" $fit -j 1 --cache off -vv --log all -o vv_out ph/bold.nii.gz
verdict "-vv says inner folds, too" "$(lines 's: debug: set ' err)" 32
verdict "the log has every line of -vv" "$(wc -l < all)" "$(wc -l < err)"

try "an error" 3 "*" $fit --log errors -o none none.nii.gz
verdict "the log has the error" "$(lines ' brainmine decode: error: none.nii.gz: ' errors)" 1
try "wrong usage" 2 "*" $fit --alpha 3 --log usage -o none ph/bold.nii.gz
verdict "the log has the advice" "$(lines "Try 'brainmine decode --help'" usage)" 1
try "the summary" 0 "" $fit --json --log json -o json_out ph/bold.nii.gz
verdict "--json leaves the result to the log" "$(lines 'have weights' json) $(wc -l < err)" "1 0"
try "a phantom that logs" 0 "*" simulate decode --log sim -o other --shape 8x8x8 --voxels 100 \
    --samples 16 --groups 2
verdict "simulate logs its result" "$(lines 'brainmine simulate: wrote 16 volumes' sim)" 1
