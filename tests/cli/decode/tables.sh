# Tables of samples: rows 113 to 131 of reliability 5.2, and forms of tables that are accepted.
. "$SRC/tests/cli/decode/functions"
phantom p
t=p/samples.tsv
bad() { # NAME PATTERN [OPTIONS...]: the table is bad.tsv, whose columns default to label and run
    name=$1 pattern=$2
    shift 2
    refused "$name" 3 "brainmine decode: $pattern" decode fit -s bad.tsv -t label -g run --model ridge "$@" \
        p/bold.nii.gz
}
head -n 60 $t > bad.tsv
bad "113: fewer rows than frames" 'bad.tsv: 59 rows, image: 64 frames'
{ cat $t; tail -n 2 $t; } > bad.tsv
bad "113: more rows than frames" 'bad.tsv: 66 rows, image: 64 frames'
sed 's/house/face/' $t > bad.tsv
bad "114: one class" 'bad.tsv: column "label" has one class ("face")'
awk -F'\t' -v OFS='\t' 'NR > 1 { $1 = NR == 3 ? "rare" : $1 } { print }' $t > bad.tsv
bad "115: a class in one fold only" '*class "rare"*1 sample*'
# Face twice in each of the first runs, so often that no training set lacks it.
rare() { # N: the first N rows of face stay, the others become house
    awk -F'\t' -v OFS='\t' -v n="$1" '$1 == "face" && ++k > n { $1 = "house" } { print }' $t
}
rare 3 > bad.tsv
bad "115: fewer samples than folds" 'bad.tsv: class "face": 3 samples, 4 folds'
bad "115: fewer samples than folds of kfold" 'bad.tsv: class "face": 3 samples, 4 folds' --cv kfold:4
bad "115: also where logo is asked for, if a training set has none" \
    'bad.tsv: class "face": 3 samples, 4 folds: fold 0 leaves none to train on' --cv logo
awk -F'\t' -v OFS='\t' '$1 == "face" { $1 = NR < 50 && !seen[$3]++ ? "face" : "house" } { print }' $t > bad.tsv
bad "115: logo that is not asked for" 'bad.tsv: class "face": 3 samples, 4 folds'
try "logo that is asked for tests the class where it is" 0 '*' decode fit -s bad.tsv -t label -g run --cv logo \
    --model svm --C .1,1 -o rare p/bold.nii.gz
verdict "and says so" "$(grep -c 'warning: bad.tsv: class "face": in 3 of 4 test folds only' err)" 1
bad "--strict takes it as an error" '*1 warning about the input*' --strict --cv logo
awk -F'\t' -v OFS='\t' 'NR > 1 { $3 = int((NR - 2) / 8); $1 = $3 % 2 ? "control" : "patient"
    if ((NR - 2) % 8) $1 = "rest" } { print }' $t > bad.tsv
try "groups of one class each: fewer samples than folds" 0 '*' decode fit -s bad.tsv -t label -g run --drop rest \
    --model svm -o kinds p/bold.nii.gz
verdict "without a warning" "$(column kinds/scores.tsv fold | grep -c '^[0-9]') $(grep -c warning err)" "8 0"
cp $t bad.tsv
bad "more folds than groups" 'bad.tsv: 4 groups, 13 folds (see --cv)' --cv kfold:13
bad "more inner folds than groups" \
    'bad.tsv: fold 0: inner folds (see --inner-cv): 3 groups, 5 folds' --inner-cv kfold:5
bad "116: no such column" 'bad.tsv: no column "colour"; found: label, target, run' -t colour
bad "116: no such column of groups" 'bad.tsv: no column "session"; found: label, target, run' -g session
bad "116: no such column of runs" 'bad.tsv: no column "x"; found: label, target, run' --runs x
bad "116: a column beyond the last" 'bad.tsv: *column*9*' -t 9
sed 1d $t | awk -F'\t' -v OFS='\t' '{ print $3, $3 }' > bad.tsv
bad "116: a name asked of a table without a header" \
    'bad.tsv: no column "label"; found: 0, 0: the table seems to have no header row (*-t 1 -g 2)'
sed 1d $t > bad.tsv
bad "116: the same where columns differ" 'bad.tsv: no column "run"; found: *no header row*' -t 1
: > bad.tsv
bad "117: an empty table" 'bad.tsv: no data rows'
head -n 1 $t > bad.tsv
bad "117: a header only" 'bad.tsv: no data rows'
sed '17s/$/\tx/' $t > bad.tsv
bad "118: a ragged row" 'bad.tsv:17: 4 fields, header has 3'
sed '17s/\t[^\t]*$//' $t > bad.tsv
bad "118: a short row" 'bad.tsv:17: 2 fields, header has 3'
printf '\377\376l\000a\000' > bad.tsv
bad "121: UTF-16" 'bad.tsv: *UTF-16*'
LC_ALL=C sed "9s/face\|house/caf$(printf '\377')/" $t > bad.tsv
bad "122: a byte that is not UTF-8" 'bad.tsv:9: byte 0xff is not UTF-8'
awk 'NR == 4 { printf "a%cb\n", 0; next } { print }' $t > bad.tsv
bad "123: a NUL byte" 'bad.tsv:4: NUL byte*'
{ head -n 1 $t; head -c 1100000 /dev/zero | tr '\0' x; echo; sed 1d $t; } > bad.tsv
bad "124: a long line" 'bad.tsv:2: line too long*'
for cell in nan inf -inf n/a ''; do
    awk -F'\t' -v OFS='\t' -v cell="$cell" 'NR == 12 { $2 = cell } { print }' $t > bad.tsv
    bad "125: '$cell' among numbers" 'bad.tsv:12: *column "target"*' -t target
done
awk -F'\t' -v OFS='\t' 'NR == 3 { $2 = "1,5" } { print }' $t > bad.tsv
bad "126: a decimal comma" 'bad.tsv:3: "1,5" is not a number*' -t target --task regression
awk -F'\t' -v OFS='\t' 'NR == 3 { $2 = "1e999" } { print }' $t > bad.tsv
bad "127: a number out of range" 'bad.tsv:3: *out of range*"1e999"*' -t target --task regression
for cell in 1,5 1e999 abc; do
    awk -F'\t' -v OFS='\t' -v cell="$cell" 'NR == 3 { $2 = cell } { print }' $t > bad.tsv
    bad "126: '$cell' among numbers is a slip, not a class" "bad.tsv:3: *\"$cell\"*numbers (see --task)" -t target
done
bad "126: unless classes are asked for" 'bad.tsv: class "*": 1 sample, 4 folds' -t target --task classification
awk -F'\t' -v OFS='\t' 'NR > 1 { $1 = NR == 3 ? "1O" : 10 + NR % 2 } { print }' $t > bad.tsv
bad "a slip among classes that are numbers" 'bad.tsv: class "1O": 1 sample, 4 folds'
sed 's/\t/;/g' $t > bad.tsv
bad "semicolons" 'bad.tsv:1: separated by semicolons; needed: tabs, commas or spaces'
sed '1s/target/run/' $t > bad.tsv
bad "128: two columns of a name" 'bad.tsv: column "run" appears twice'
awk -F'\t' -v OFS='\t' 'NR > 1 { $2 = 42 } { print }' $t > bad.tsv
bad "129: a constant target" 'bad.tsv: column "target" is constant (42)' -t target
awk -F'\t' -v OFS='\t' 'NR > 1 { $3 = 1 } { print }' $t > bad.tsv
bad "130: one group" '*one group*'
awk -F'\t' -v OFS='\t' 'NR == 7 { $1 = "n/a" } { print }' $t > bad.tsv
bad "a missing class" 'bad.tsv:7: "n/a" in target column "label" (--drop n/a leaves such rows out)'
awk -F'\t' -v OFS='\t' 'NR == 7 { $3 = "n/a" } { print }' $t > bad.tsv
bad "a missing group" 'bad.tsv:7: "n/a" in *column "run"*'
cp $t bad.tsv
bad "--keep of nothing" 'bad.tsv: no row is left by --keep horse*' --keep horse
bad "--drop of all" 'bad.tsv: no row is left by --drop*' --drop face,house
bad "--drop of a class of two" 'bad.tsv: column "label" has one class ("face")' --drop house
refused "no such table" 3 'brainmine decode: none.tsv: No such file or directory' decode fit -s none.tsv -t label \
    p/bold.nii.gz
refused "a folder as a table" 3 'brainmine decode: p: is a directory' decode fit -s p -t label p/bold.nii.gz
refused "an image as a table" 3 'brainmine decode: p/bold.nii.gz*' decode fit -s p/bold.nii.gz -t label p/bold.nii.gz

# Accepted, with the same result as the plain table.
fit() { rm -rf "$1"; dir=$1; shift; "$BRAINMINE" decode fit -q --model svm -o "$dir" "$@" p/bold.nii.gz 2> err; }
fit plain -s $t -t label -g run
same() { # NAME [OPTIONS]: the table is good.tsv
    name=$1
    shift
    fit other -s good.tsv "$@"
    verdict "$name" "$? $(for f in scores predictions path confusion; do cmp plain/$f.tsv other/$f.tsv 2>&1; done)" "0 "
}
sed 's/$/\r/' $t > good.tsv
same "119: CRLF" -t label -g run
{ printf '\357\273\277'; cat $t; } > good.tsv
same "120: a byte order mark" -t label -g run
tr '\t' ',' < $t > good.tsv
same "commas" -t label -g run
tr '\t' ' ' < $t > good.tsv
same "blanks" -t label -g run
sed 1d $t > good.tsv
same "no header: columns count from 1" -t 1 -g 3
printf '%s' "$(cat $t)" > good.tsv
same "no line end at the end" -t label -g run
sed '1s/run/2/' $t > good.tsv
same "a header that is a number" -t label -g 2
awk -F'\t' -v OFS='\t' '{ print "\"" $1 "\"", $2, $3 }' $t | tr '\t' ',' > good.tsv
same "quoted cells" -t label -g run
ln -s p/samples.tsv good2.tsv; cp good2.tsv good.tsv
for locale in fr_FR.UTF-8 de_DE.UTF-8 C; do
    fit other -s $t -t label -g run
    LC_ALL=$locale LANG=$locale same_files plain other
    verdict "131: locale $locale" "$(cat differences)" ""
done
fit plain -s $t -t label -g run
LC_ALL=fr_FR.UTF-8 LC_NUMERIC=fr_FR.UTF-8 fit other -s $t -t label -g run --C 1.0
verdict "131: the same under a decimal comma" \
    "$(cmp plain/predictions.tsv other/predictions.tsv 2>&1; cmp plain/weights.nii.gz other/weights.nii.gz 2>&1)" ""

# Classes that are numbers, and labels that need care.
awk -F'\t' -v OFS='\t' 'NR > 1 { $1 = $1 == "face" ? 1 : 2 } { print }' $t > good.tsv
fit classes -s good.tsv -t label -g run --task classification
verdict "numbers as classes" "$(head -n 1 classes/confusion.tsv | tr '\t' ' ')" "truth 1 2"
awk -F'\t' -v OFS='\t' 'NR > 1 { $1 = $1 == "face" ? "Z\302\265" : "a b" } { print }' $t > good.tsv
fit odd -s good.tsv -t label -g run
verdict "classes in bytewise order" "$(head -n 1 odd/confusion.tsv)" "truth${tab}Zµ${tab}a b"
fit kept -s $t -t label -g run --keep face,house
verdict "--keep of all is no change" "$(cmp plain/predictions.tsv kept/predictions.tsv 2>&1)" ""
phantom q --classes 3
third=$(column q/samples.tsv label | sort -u | tail -n 1)
"$BRAINMINE" decode fit -q -s q/samples.tsv -t label -g run --model svm --drop "$third" -o dropped q/bold.nii.gz
"$BRAINMINE" decode fit -q -s q/samples.tsv -t label -g run --model svm --keep face,house -o kept2 q/bold.nii.gz
verdict "--drop of one is --keep of the others" "$(cmp dropped/predictions.tsv kept2/predictions.tsv 2>&1)" ""
verdict "the samples of --drop are rows of the table" "$(column dropped/predictions.tsv sample)" \
    "$(column q/samples.tsv label | awk -v third="$third" '$1 != third { print NR - 1 }')"

# The same image twice: both are groups, by names that differ.
{ cat $t; sed 1d $t; } > twice.tsv
"$BRAINMINE" decode fit -q -s twice.tsv -t label --model svm -o twins p/bold.nii.gz p/bold.nii.gz 2> err
verdict "110: an image twice makes two groups" \
    "$(column twins/predictions.tsv group | sort | uniq -c | tr -s ' \n' ' ')" \
    " 64 p/bold.nii.gz 64 p/bold.nii.gz (2) "

# New images are cleaned as those of the fit were.
awk 'BEGIN { print "a\tb"; for (i = 0; i < 64; i++) printf "%g\t%g\n", cos(i), sin(i * i) }' > ab.tsv
try "a model of images cleaned of one column" 0 '*' decode fit -s p/samples.tsv -t label -g run --model svm \
    -o cleaned --confounds ab.tsv:a p/bold.nii.gz
again() { # OUT ARGS...: predictions of the same images
    out=$1
    shift
    "$BRAINMINE" decode predict --from cleaned -s p/samples.tsv -f -o "$out" "$@" p/bold.nii.gz 2> err
}
again named.tsv --confounds ab.tsv:a
again same.tsv --confounds ab.tsv
again other.tsv --confounds ab.tsv:b
verdict "predict: a table of confounds is cleaned of the column of the fit" "$(cmp named.tsv same.tsv 2>&1)" ""
verdict "unless another is named" "$(cmp -s named.tsv other.tsv || echo differs) $(cat err)" "differs "
printf 'subject\timage\tconfounds\none\tp/bold.nii.gz\tab.tsv\n' > one.tsv
"$BRAINMINE" decode predict --from cleaned -s p/samples.tsv -o table.tsv --subjects one.tsv 2> err
verdict "nor if a table names it" "$(cmp named.tsv table.tsv 2>&1; cat err)" ""
again none.tsv
verdict "and without a table a warning says so" \
    "$? $(grep -c 'warning: cleaned: the model.s images were cleaned of confounds, and these are not' err)" "0 1"
again none.tsv --strict
verdict "which --strict takes as an error" $? 3
