# brainmine cache show: a command that can be run again, and what programs read.
. "$SRC/tests/cli/cache/functions"
pair() { awk -F'\t' -v name="$1" '$1 == name { print $2 }' out; }
# entry STAGE: id of the first of its entries.
entry() { "$BRAINMINE" cache list | awk -F'\t' -v stage="$1" '$2 == stage { print $1; exit }'; }
# json EXPRESSION: of the entry, in Python.
json() { python3 -c "import json; entry = json.load(open('out'))['entry']; print($1)"; }

phantom p --shape 14x16x12 --voxels 600 --samples 40 --groups 4
mkdir "it's here"
cp p/bold.nii.gz "it's here/\$HOME bold.nii.gz"
"$BRAINMINE" decode fit -q --model svm -s p/samples.tsv -t label -g run -m p/mask.nii.gz -o 'first out' \
    "it's here/\$HOME bold.nii.gz" || echo "not ok a fit of odd names"
try "show" 0 '' cache show "$(entry prepare.run)"
verdict "words are quoted where a shell wants it" "$(pair command)" "$BRAINMINE decode fit -q --model svm $(
    )-s p/samples.tsv -t label -g run -m p/mask.nii.gz -o 'first out' 'it'\\''s here/\$HOME bold.nii.gz'"
mv 'first out' before
(eval "$(pair command)") 2> err
same "the command is run again" before 'first out'
try "show --json" 0 '' cache show --json "$(entry prepare.run)"
verdict "numbers are numbers" \
    "$(json '[type(entry[n]).__name__ for n in ("algorithm", "bytes", "threads", "command", "key.algorithm")]')" \
    "['int', 'int', 'int', 'str', 'str']"
verdict "seconds, too" "$(json 'entry["seconds"] > 0')" True
verdict "the files" "$(json 'sorted(f["path"] for f in entry["files"])')" \
    "[\"it's here/\$HOME bold.nii.gz\", 'p/mask.nii.gz', 'p/samples.tsv']"
verdict "are told once" "$(json '[n for n in entry if n.startswith("file.")]')" "[]"

# Control characters need another quote, which not every shell has.
name=$(printf "tab\there it's \\\\ \351.tsv")
cp p/samples.tsv "$name"
"$BRAINMINE" decode fit -q --model svm --C 3 -s "$name" -t label -g run -m p/mask.nii.gz -o third p/bold.nii.gz ||
    echo "not ok a fit of a table with an odd name"
id=$("$BRAINMINE" cache list | sed 1d | cut -f 1 | while read -r id; do
    "$BRAINMINE" cache show "$id" | grep -q 'command.*--C 3' && echo "$id" && break; done)
try "show of a control character" 0 '' cache show "$id"
verdict "writes it as bash reads it" "$(pair command | grep -oF "\$'tab\\x09here it\\'s \\x5c \\xe9.tsv'")" \
    "\$'tab\\x09here it\\'s \\x5c \\xe9.tsv'"
if command -v bash > /dev/null; then
    mv third before.third
    bash -c "$(pair command)" 2> err
    same "and runs it" before.third third
else
    echo "skip running that: no bash"
fi

# Inputs of one content; and a long command.
"$BRAINMINE" simulate connectome -q -o conn --subjects 1 --frames 40 --nodes 6 || echo "not ok series"
first=$(ls conn/*_timeseries.tsv) series=
for i in $(seq -w 1 99); do
    name=conn/sub-$i-of-many-with-one-and-the-same-content_timeseries.tsv
    cp "$first" "$name"
    series="$series $name"
done
"$BRAINMINE" connectome fit -q --model empirical -o many $series 2> err || echo "not ok a fit of many: $(cat err)"
last=${series##* }
id=$("$BRAINMINE" cache list | sed 1d | cut -f 1 | while read -r id; do
    "$BRAINMINE" cache show "$id" | grep -q "command.*connectome" && echo "$id" && break; done)
try "show of a long command" 0 '' cache show "$id"
verdict "has its end" "$(pair command | grep -c "$last\$")" 1
try "with --json" 0 '' cache show --json "$id"
verdict "has it, too" "$(json "entry['command'].endswith('$last')")" True
verdict "files of one content" "$(json 'len(set(f["path"] for f in entry["files"])) > 1')" True
verdict "have one digest" "$(json 'len(set(f["sha256"] for f in entry["files"]))')" 1
