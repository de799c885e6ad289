# What is said: -v and --log, and which files --log refuses.
. "$SRC/tests/cli/decode/functions"
phantom p
fit() {
    "$BRAINMINE" decode fit --model svm -s p/samples.tsv -t label -g run "$@" p/bold.nii.gz > out 2> err
    code=$?
}
fit -o plain
verdict "a run says what was found in one line" \
    "$(wc -l < err) $(grep -c 'decode: accuracy .*; in plain$' err)" "1 1"
fit -f -v --cache off --C .1,1 -o plain
verdict "-v tells what is read" \
    "$(grep -c 'p/samples.tsv: 64 rows make 64 samples of 2 classes; 4 folds; svm, 2 points' err)" 1
verdict "-v tells what is made of it" \
    "$(grep -c 'samples: 64 of 64 volumes of 1 image, 4 runs, [0-9]* voxels' err)" 1
verdict "-v tells what each fold chose" \
    "$(grep -cE '(fold [0-3]|all): [0-9]+ samples, C [0-9.]+, inner accuracy' err)" 5
verdict "-v tells how long it took" \
    "$(grep -cE '(images|choosing penalties|fitting folds): [0-9]+ in [0-9.]+ s$' err)" 3
verdict "the lines of -v have no debug ones" "$(grep -c 'debug: ' err)" 0
fit -f -vv --cache off --C .1,1 -o plain
verdict "-vv tells how each run was cleaned" \
    "$(grep -c 'debug: run [0-3]: 16 volumes from p/bold.nii.gz' err)" 4
verdict "-vv tells how each penalty scored" \
    "$(grep -c 'debug: training set [0-4], point [01]: accuracy' err)" 10
for option in -q --json --progress=never; do
    rm -f log
    fit -f "$option" --log log -o plain
    verdict "--log with $option has what was found and what -v tells" \
        "$code $(grep -c 'decode: accuracy .*; in plain$' log) $(grep -c ': fitting folds: 5 in' log)" "0 1 1"
done
fit -f --json -o plain
verdict "with --json nothing is said on standard error" "$(wc -c < err)" 0
fit --log log -o plain
verdict "an error is said in the log" \
    "$code $(grep -c 'Z brainmine decode: error: plain.*exists (use --force)' log)" "4 1"
fit --log log --modle svm
verdict "a log is appended to" "$(grep -c 'version ' log)" 2

# Rows 138 and 139: a log is none of the files of the run.
cksum p/* > before
for input in p/bold.nii.gz p/samples.tsv; do
    rm -rf new
    fit -m p/mask.nii.gz -o new --log $input
    said "138: $input as the log" 4 "brainmine decode: $input: would overwrite input $input"
done
ln p/mask.nii.gz link
fit -m p/mask.nii.gz -o new --log link
said "138: the mask as the log, by a link" 4 'brainmine decode: link: would overwrite input p/mask.nii.gz'
printf 'subject\timage\nx\tp/bold.nii.gz\n' > subjects.tsv
try "138: an image of a table as the log" 4 'brainmine decode: p/bold.nii.gz: would overwrite input p/bold.nii.gz' \
    decode predict --from plain --subjects subjects.tsv -o new.tsv --log p/bold.nii.gz
try "138: a file of the model as the log" 4 'brainmine decode: plain/model.json: would overwrite input*' \
    decode predict --from plain -o new.tsv --log plain/model.json p/bold.nii.gz
verdict "138: inputs are as they were" "$(cksum p/* | cmp - before 2>&1)" ""
for name in weights.nii.gz run.json; do
    fit -o new --log new/$name
    said "139: the output $name as the log" 4 "brainmine decode: new/$name: is an output and the log of --log"
    fit -o new --log ./p/../new/$name
    said "139: by another name" 4 "brainmine decode: new/$name: is an output and the log of --log"
done
verdict "139: nothing is left" "$(ls -d new 2>/dev/null)" ""
try "139: the table as the log" 4 'brainmine decode: new.tsv: is an output*' decode predict --from plain -o new.tsv \
    --log ./new.tsv p/bold.nii.gz
fit -o fresh --log fresh/log.txt
verdict "a log in the new folder" \
    "$code $(grep -c ': fitting folds: 5 in' fresh/log.txt) $(ls fresh | wc -l)" "0 1 9"
rm -rf fresh
fit -o fresh --log fresh/log.txt --cv kfold:40
said "a run that fails before its folder is made" 3 '*4 groups, 40 folds*'
verdict "leaves no folder" "$(ls -d fresh 2>/dev/null)" ""
mkdir fresh && echo before > fresh/log.txt
fit -o fresh --log fresh/log.txt
verdict "a log is not what makes a folder full" "$code $(head -n 1 fresh/log.txt)" "0 before"
rm -rf fresh
fit -n -o fresh --log fresh/log.txt
verdict "a dry run makes no folder for the log" "$code $(ls -d fresh 2>/dev/null)" "0 "
fit -o new --log -
said "--log -" 2 "brainmine decode: --log wants a file, got '-' *"
fit -o new --log p
said "a folder as the log" 4 'brainmine decode: p: Is a directory'
verdict "none of these made anything" "$(ls -d new ./- 2>/dev/null)" ""
