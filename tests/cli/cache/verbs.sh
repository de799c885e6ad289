# brainmine cache: its tables, its JSON, its exit codes.
. "$SRC/tests/cli/cache/functions"
columns() { head -n 1 out | tr '\t' ' '; }
pair() { awk -F'\t' -v name="$1" '$1 == name { print $2 }' out; }
try "info of a cache that is not there" 0 '' cache
verdict "is of nothing" "$(pair path) $(pair entries) $(pair hit_rate)" "$PWD/cache 0 n/a"
for verb in list verify clear trim; do try "$verb of a cache that is not there" 0 '*' cache $verb; done
verdict "and makes none" "$(ls)" "err
out"
phantom p --shape 14x16x12 --voxels 600 --samples 40 --groups 4
small one --model svm
small two --model svm
try "info is the default verb" 0 '' cache
verdict "its columns" "$(columns)" "name value"
entries=$(pair entries)
verdict "the second run found all, and had no use for the Gram matrix" \
    "$(pair runs) $(pair hits) $(pair misses)" "2 $((entries - 1)) $entries"
verdict "entries are files" "$entries" "$(find cache/v1/obj -name '*.bmc' | wc -l)"
verdict "nothing unfinished, nothing set aside" "$(pair unfinished) $(pair set_aside)" "0 0"
try "list" 0 '' cache list
verdict "its columns" "$(columns)" "id stage bytes seconds made used"
verdict "a row for each entry" "$(sed 1d out | wc -l)" "$entries"
id=$(awk -F'\t' '$2 == "prepare.run" { print $1; exit }' out)
try "show by the first digits" 0 '' cache show "$id"
verdict "the digest of the image is in the key" "$(pair key.input.image.0)" \
    "$(sha256sum p/bold.nii.gz | cut -d ' ' -f 1)"
verdict "the file's name is told" "$(pair "file.$(sha256sum p/bold.nii.gz | cut -d ' ' -f 1)")" p/bold.nii.gz
verdict "and the command" "$(pair command | grep -c -e '--model svm')" 1
verdict "the key of an entry hashes to its id" \
    "$({ echo brainmine-key 1; sed -n 's/^key\.\([^\t]*\)\t/\1=/p' out; } | sha256sum | cut -c 1-16)" "$id"
try "show of no entry" 3 'brainmine cache: ffff: no entry*' cache show ffff
several=$("$BRAINMINE" cache list | sed 1d | cut -c 1 | uniq -d | head -n 1)
try "show of several" 3 "brainmine cache: $several: * entries*" cache show "$several"
try "show of nothing" 2 'brainmine cache: show wants*' cache show
try "show of an empty id" 2 'brainmine cache: show wants*' cache show ''
try "show by the first digits in upper case" 0 '' cache show "$(echo "$id" | tr a-f A-F)"
verdict "is the same" "$(pair id | cut -c 1-16)" "$id"
try "explain of nothing" 2 'brainmine cache: explain wants*' cache explain
try "explain of no command" 2 "brainmine cache: 'nonsense' is no command*" cache explain nonsense
try "explain of what has no steps" 2 "brainmine cache: 'version' is no command*" cache explain version
try "info of a cache that is not there yet" 0 '' cache info --cache "$PWD/not/yet"
verdict "says where it will be" "$(pair path) $(ls -d not 2> /dev/null)" "$PWD/not/yet "
try "explain of a command that is wrong" 2 '*' cache explain decode fit --nonsense
try "a bad age" 2 'brainmine cache: --older-than wants an age*' cache trim --older-than soon
try "a bad --max-size" 2 'brainmine cache: --max-size wants*' cache trim --max-size much
for limit in much 0 -1; do
    for verb in info "trim -n"; do
        BRAINMINE_CACHE_SIZE=$limit try "${verb% *} with the limit $limit in the environment" 0 '' cache $verb
        verdict "which is told once" "$(grep -c 'warning: cache: BRAINMINE_CACHE_SIZE wants a size' err)" 1
    done
done
try "no cache at all" 2 'brainmine cache: the cache is off*' cache list --cache off
try "verify" 0 '*' cache verify
for verb in info list "show $id" verify "explain decode fit --model ridge --alpha 1 -s p/samples.tsv -t label \
    -g run -m p/mask.nii.gz -o new p/bold.nii.gz" "trim -n" "clear -n"; do
    "$BRAINMINE" cache --json $verb > out 2> err
    verdict "${verb%% *} --json is JSON" \
        "$? $(python3 -c 'import json; print(sorted(json.load(open("out")))[-1] != "")')" "0 True"
done
"$BRAINMINE" cache explain simulate decode -o new --json > out 2> err
verdict "--json after the command that is explained" \
    "$? $(python3 -c 'import json; print(json.load(open("out"))["command"])')" "0 cache explain"
"$BRAINMINE" cache --json list > out
verdict "entries of list --json" "$(python3 -c 'import json; print(len(json.load(open("out"))["entries"]))')" "$entries"

# Damage.
file=$(find cache/v1/obj -name '*.bmc' | LC_ALL=C sort | head -n 1)
chmod u+w "$file"
printf 'x' | dd of="$file" bs=1 seek=900 conv=notrunc 2> /dev/null
chmod u-w "$file"
try "verify finds damage" 3 'brainmine cache: * entries read, 1 damaged*' cache verify
verdict "and names it" "$(sed 1d out | cut -f 3)" damaged
try "repairs it, and says so" 3 '*1 damaged, 1 deleted' cache verify --repair
try "and is content" 0 '*' cache verify
verdict "without the entry" "$(find cache/v1/obj -name '*.bmc' | wc -l)" $((entries - 1))
small three --model svm
same "a run after that" one three
file=$(find cache/v1/obj -name '*.bmc' | LC_ALL=C sort | head -n 1)
chmod u+w "$file"
echo >> "$file"
chmod u-w "$file"
small healed --model svm
try "a run that heals" 0 '*, 0 damaged*' cache verify
try "is remembered" 0 '' cache
verdict "as what is set aside" "$(pair damaged) $(pair set_aside)" " 1"

# Trimming.
try "a dry trim" 0 '' cache trim --older-than 0s -n
verdict "says what would go" "$(pair deleted) $(pair left)" "$entries 0"
: > "cache/v1/tmp/0-$(uname -n)-999999999-0"
try "a trim after a run that was killed" 0 '' cache trim
verdict "deletes what it left" "$(pair deleted) $(pair deleted_unfinished)" "0 1"
try "trim to a size" 0 '' cache trim --max-size 20k
verdict "leaves no more" "$([ "$(pair left_bytes)" -le 20480 ] && [ "$(pair deleted)" -gt 0 ] && echo yes)" yes
try "trim by age" 0 '' cache trim --older-than 1d
verdict "keeps what is younger" "$(pair deleted)" 0
try "clear" 0 '' cache clear
verdict "leaves nothing" "$(find cache/v1 -type f | wc -l)" 0
small four --model svm
same "and the next run makes it anew" one four
BRAINMINE_CACHE_SIZE=100k small five --model svm --smooth 4
verdict "the limit holds" "$([ "$("$BRAINMINE" cache --json | tr -d '\n\t' |
    sed 's/.*"bytes":\([0-9]*\).*/\1/')" -le 102400 ] && echo yes)" yes
