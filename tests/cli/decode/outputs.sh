# Where results go: rows 135 to 142 of reliability 5.2, memory (147) and signals (148).
. "$SRC/tests/cli/decode/functions"
phantom p
fit() {
    "$BRAINMINE" decode fit -q --model svm -s p/samples.tsv -t label -g run "$@" p/bold.nii.gz > out 2> err
    code=$?
}
fit -o a/b/c
said "parents are made" 0 ''
mkdir empty
fit -o empty
said "an empty folder is accepted" 0 ''
same_files a/b/c empty
verdict "two folders, the same bytes" "$(cat differences)" ""
find a -type f -exec stat -c '%n %Y %i' {} + | sort > before
fit -o a/b/c
said "137: what exists stays" 4 'brainmine decode: a/b/c/*: exists (use --force)'
verdict "137: untouched" "$(find a -type f -exec stat -c '%n %Y %i' {} + | sort | cmp - before 2>&1)" ""
mkdir other && echo mine > other/notes
fit -o other
said "137: a folder with other files" 4 'brainmine decode: other: exists and is not empty (use --force)'
echo old > other/scores.tsv
fit -f -o other
said "--force replaces" 0 ''
verdict "--force replaces only its files" \
    "$(cat other/notes) $(cmp other/scores.tsv empty/scores.tsv 2>&1) $(ls other | wc -l)" "mine  9"
mkdir -p held/scores.tsv
fit -f -o held
said "a folder in a file's place" 4 'brainmine decode: held/scores.tsv: is a directory'
echo x > file
fit -o file
said "135: a file where a folder is needed" 4 'brainmine decode: file: *irectory*'
fit -o file/below
said "135: a folder below a file" 4 'brainmine decode: file*: Not a directory'
fit -o /proc/none
said "136: a folder that cannot be made" 4 'brainmine decode: /proc/none: *'
mkdir own && cp p/bold.nii.gz own/weights.nii.gz && ln p/samples.tsv own/scores.tsv
ln -s ../p/mask.nii.gz own/mask.nii.gz
cksum own/* > before
"$BRAINMINE" decode fit -q -f -s p/samples.tsv -t label -o own own/weights.nii.gz > out 2> err; code=$?
said "138: output = input" 4 'brainmine decode: own/weights.nii.gz: would overwrite input own/weights.nii.gz'
rm own/weights.nii.gz
fit -f -o own
said "138: by a hard link" 4 'brainmine decode: own/scores.tsv: would overwrite input p/samples.tsv'
rm own/scores.tsv
fit -f -m p/mask.nii.gz -o own
said "138: by a symbolic link" 4 'brainmine decode: own/mask.nii.gz: would overwrite input p/mask.nii.gz'
mkdir model && fit -f -o model
try "138: predictions over an input" 4 'brainmine decode: p/bold.nii.gz: would overwrite input*' decode predict \
    --from model \
    -f -o p/bold.nii.gz p/bold.nii.gz
for name in model.json mask.nii.gz weights.nii.gz; do
    cksum model/* > before
    try "138: predictions over the model's $name" 4 \
        "brainmine decode: model/$name: would overwrite input model/$name" decode predict --from model -f \
        -o model/$name p/bold.nii.gz
    verdict "138: $name is as it was" "$(cksum model/* | cmp - before 2>&1)" ""
done
try "138: by another name of the folder" 4 'brainmine decode: ./model/../model/model.json: would overwrite*' \
    decode predict --from model -f -o ./model/../model/model.json p/bold.nii.gz
awk -F'\t' -v OFS='\t' 'NR == 1 { print "a", "b" } NR > 1 { print NR % 7, NR % 5 }' p/samples.tsv > confounds.tsv
printf 'subject\timage\tconfounds\nx\tp/bold.nii.gz\tconfounds.tsv\n' > subjects.tsv
for input in p/bold.nii.gz confounds.tsv subjects.tsv; do
    try "138: over $input of a table of subjects" 4 "brainmine decode: $input: would overwrite input $input" \
        decode predict --from model -f -o $input --subjects subjects.tsv --confounds :a,b
done
try "138: over a table of confounds" 4 'brainmine decode: confounds.tsv: would overwrite input confounds.tsv' \
    decode predict --from model -f -o confounds.tsv --confounds confounds.tsv:a p/bold.nii.gz
echo p/bold.nii.gz > list
try "138: over a list of images" 4 'brainmine decode: list: would overwrite input list' decode predict --from model \
    -f -o list @list
try "a device is no file to replace" 4 'brainmine decode: /dev/full: is not a regular file*' decode predict \
    --from model -f -o /dev/full p/bold.nii.gz
fit -n -o dry/run > out 2> err
verdict "a dry run makes nothing" "$code $(ls -d dry 2> /dev/null)" "0 "
verdict "a dry run prints the plan, and what is cached" "$(grep -c . out) $(grep -c ^cached out)" "5 2"
"$tools/change_image" p/bold.nii.gz hole.nii set=6,7,5,9,nan
gzip -dc p/bold.nii.gz | head -c 100000 > short.nii
for image in hole short; do
    pattern="brainmine decode: $image.nii: *"
    for dry in -n -q; do
        refused "what a run finds in $image.nii, it finds with $dry" 3 "$pattern" decode fit $dry --model svm \
            -m p/mask.nii.gz -s p/samples.tsv -t label -g run $image.nii
        try "so it is with predict $dry" 3 "$pattern" decode predict $dry --from model $image.nii
    done
done
"$BRAINMINE" decode predict -n --from model -o dry.tsv p/bold.nii.gz > out 2> err
verdict "a dry run of predict makes nothing and prints the plan" "$? $(ls dry.tsv 2> /dev/null) $(grep -c . out)" "0  3"
fit -n -o file
said "a dry run finds what is in the way" 4 'brainmine decode: file: *'
"$BRAINMINE" decode predict -q --from model p/bold.nii.gz > predictions 2> err
verdict "predictions go to stdout" "$? $(wc -l < predictions) $(wc -c < err)" "0 65 0"
"$BRAINMINE" decode predict -q --from model -o - p/bold.nii.gz | cmp - predictions > differences 2>&1
verdict "-o - is stdout" "$(cat differences)" ""
"$BRAINMINE" decode predict --from model -o new/p.tsv p/bold.nii.gz > out 2> err
verdict "-o FILE leaves stdout alone" "$? $(wc -c < out) $(cmp new/p.tsv predictions 2>&1)" "0 0 "
try "-o FILE that exists" 4 'brainmine decode: new/p.tsv: exists (use --force)' decode predict --from model -o \
    new/p.tsv p/bold.nii.gz
"$BRAINMINE" decode predict -q --from model p/bold.nii.gz > /dev/full 2> err; code=$?
said "140: stdout on a full device" 4 'brainmine decode: standard output: No space left on device'
phantom q --classes 8
"$BRAINMINE" decode fit -q --model ridge --alpha 1 -s q/samples.tsv -t label -g run -o eight q/bold.nii.gz
"$BRAINMINE" decode predict -q --from eight q/bold.nii.gz > /dev/full 2> err; code=$?
said "140: a long table on a full device" 4 'brainmine decode: standard output: No space left on device'
"$BRAINMINE" decode fit --json -q --model svm -s p/samples.tsv -t label -g run -o full p/bold.nii.gz > /dev/full 2> err
code=$?
said "140: the summary on a full device" 4 'brainmine decode: standard output: No space left on device'
mkdir small
if mount -t tmpfs -o size=24k tmpfs small 2> /dev/null; then
    fit -o small/result
    said "140: a full disk" 4 \
        'brainmine decode: small/result/*: No space left on device (needed * KiB, free *)'
    verdict "140: no file is left on a full disk" "$(find small -type f | wc -l)" 0
    umount small
    mount -t tmpfs -o ro,size=1m tmpfs small
    fit -o small/result
    said "136: a read-only disk" 4 'brainmine decode: small*: Read-only file system'
    umount small
else
    echo "skip 140: a full disk: mounting is not permitted"
fi
(ulimit -f 2; fit -o limited; exit $code)
code=$?
said "a file beyond ulimit -f" 4 'brainmine decode: limited/*: File too large'
verdict "no file is left beyond ulimit -f" "$(find limited -type f 2> /dev/null | wc -l)" 0
"$BRAINMINE" decode fit -q --model svm -s p/samples.tsv -t label -g run -o closed p/bold.nii.gz <&- >&- 2>&-
verdict "142: descriptors closed at the start" "$? $(cmp closed/weights.nii.gz empty/weights.nii.gz 2>&1)" "0 "
{ "$BRAINMINE" decode predict -q --from model p/bold.nii.gz; echo $? > code; } 2> err | sed q > first
verdict "141: a reader that leaves" "$(wc -c < err) $(cat first | cut -f1)" "0 sample"
fit --memory 100K -o memory
said "147: too little memory" 1 'brainmine decode: *needs * limit 100.0 KiB (see --memory)'
verdict "147: no files" "$(find memory -type f 2> /dev/null | wc -l)" 0
fit --memory 1G -o memory -f
same_files memory empty
verdict "147: enough memory changes nothing" "$code $(cat differences)" "0 "
umask 077
fit -o private
verdict "the umask is kept" "$(stat -c %a private/scores.tsv private/weights.nii.gz | tr '\n' ' ')" "600 600 "
umask 022

"$BRAINMINE" simulate decode -q -o long --shape 30x34x28 --voxels 8000 --samples 48 --groups 4
signal() { # NAME SIGNAL CODE
    rm -rf stopped err
    "$BRAINMINE" decode fit -s long/samples.tsv -t label -g run -o stopped --progress always -j 1 long/bold.nii.gz \
        2> err &
    pid=$!
    n=0
    while ! grep -q "$4" err 2> /dev/null && [ $n -lt 1200 ]; do sleep 0.05; n=$((n + 1)); done
    before=$(date +%s%N)
    kill "-$2" $pid
    wait $pid 2> /dev/null
    verdict "148: $1" "$? $(find stopped -type f 2> /dev/null | wc -l) $(grep -c 'interrupted by signal' err)" "$3 0 1"
    ms=$((($(date +%s%N) - before) / 1000000))
    [ -n "$SAN" ] || [ $ms -lt 2000 ] || echo "not ok 148: $1 took $ms ms to end"
}
signal "SIGINT while choosing" INT 130 'choosing penalties'
signal "SIGTERM while choosing" TERM 143 'choosing penalties'
signal "SIGTERM while reading" TERM 143 'images'
