# What is said: -v and --log, and which files --log refuses.
. "$SRC/tests/cli/decode/functions"
phantom p
fit() {
    "$BRAINMINE" decode fit --model svm -s p/samples.tsv -t label -g run "$@" p/bold.nii.gz > out 2> err
    code=$?
}
fit -o plain
verdict "a run says what was found in one line" "$(wc -l < err) $(grep -c 'decode: accuracy .*; in plain$' err)" "1 1"
fit -f -v --cache off --C .1,1 -o plain
verdict "-v tells what is read" "$(grep -c 'p/samples.tsv: 64 rows make 64 samples of 2 classes; 4 folds; svm, 2 points' err)" 1
verdict "-v tells what is made of it" "$(grep -c 'samples: 64 of 64 volumes of 1 image, 4 runs, [0-9]* voxels' err)" 1
verdict "-v tells what each fold chose" "$(grep -cE '(fold [0-3]|all): [0-9]+ samples, C [0-9.]+, inner accuracy' err)" 5
verdict "-v tells how long it took" "$(grep -cE '(images|choosing penalties|fitting folds): [0-9]+ in [0-9.]+ s$' err)" 3
verdict "the lines of -v have no debug ones" "$(grep -c 'debug: ' err)" 0
fit -f -vv --cache off --C .1,1 -o plain
verdict "-vv tells how each run was cleaned" "$(grep -c 'debug: run [0-3]: 16 volumes from p/bold.nii.gz' err)" 4
verdict "-vv tells how each penalty scored" "$(grep -c 'debug: training set [0-4], point [01]: accuracy' err)" 10
for option in -q --json --progress=never; do
    rm -f log
    fit -f "$option" --log log -o plain
    verdict "--log with $option has what was found and what -v tells" \
        "$code $(grep -c 'Z brainmine decode: accuracy .*; in plain$' log) $(grep -c ': fitting folds: 5 in' log)" "0 1 1"
done
fit -f --json -o plain
verdict "with --json nothing is said on standard error" "$(wc -c < err)" 0
fit --log log -o plain
verdict "an error is said in the log" "$code $(grep -c 'Z brainmine decode: error: plain.*exists (use --force)' log)" "4 1"
fit --log log --modle svm
verdict "a log is appended to" "$(grep -c 'version ' log)" 2
