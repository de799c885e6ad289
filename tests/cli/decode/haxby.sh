# One subject of Haxby et al. (2001), a slice, twelve runs: scores that are known.
. "$SRC/tests/cli/decode/functions"
data=$BRAINMINE_TEST_DATA/A_haxby_slice
[ -e "$data/bold.nii.gz" ] || { echo "SKIP BRAINMINE_TEST_DATA has no A_haxby_slice"; exit 77; }
fit() {
    dir=$1
    shift
    "$BRAINMINE" decode fit -q -m "$data/mask.nii.gz" -o "$dir" "$@" "$data/bold.nii.gz" 2> err || cat err
}
near() { # NAME FILE VALUE TOLERANCE
    got=$(mean "$2" accuracy)
    if awk -v x="$got" -v y="$3" -v t="$4" 'BEGIN { exit !((x - y) ^ 2 <= t * t) }'; then echo "ok $1"
    else echo "not ok $1: $got, wanted $3"; fi
}
codes="-s $data/attributes.txt -t 1 -g 2"
fit svm $codes --drop 0 --task classification --model svm
near "eight classes by volume: .6458" svm/scores.tsv .6458 .0006
verdict "twelve runs" "$(column svm/scores.tsv fold | grep -c '^[0-9]')" 12
verdict "rows without a header count from 0" "$(column svm/predictions.tsv sample | head -n 1)" 6
fit names -s "$data/attributes_literal.txt" -t 1 -g 2 --drop rest --model svm
near "names in place of codes" names/scores.tsv .6458 .0006
fit blocks -s "$data/attributes_literal.txt" -t 1 -g 2 --drop rest --model svm --average block
near "eight classes by block: .8125" blocks/scores.tsv .8125 .0006
verdict "96 blocks" "$(column blocks/predictions.tsv sample | wc -l)" 96
fit two -s "$data/attributes_literal.txt" -t 1 -g 2 --keep face,house --model svm
near "face and house: .9861" two/scores.tsv .9861 .0006
fit ridge -s "$data/attributes_literal.txt" -t 1 -g 2 --drop rest --model ridge --average block
verdict "ridge by block: at least .78" "$(awk -v x="$(mean ridge/scores.tsv accuracy)" 'BEGIN { print (x >= .78) }')" 1
fit correlation -s "$data/attributes_literal.txt" -t 1 -g 2 --drop rest --model correlation --average block
verdict "correlation by block: over chance by far" \
    "$(awk -v x="$(mean correlation/scores.tsv accuracy)" 'BEGIN { print (x >= .6) }')" 1
verdict "warnings of the file" "$(sort err | uniq -d)" ""
"$BRAINMINE" decode score --from two -s "$data/attributes_literal.txt" -t 1 -g 2 --keep face,house \
    "$data/bold.nii.gz" > known 2> err
verdict "the model knows its own rows" "$(column known value | head -n 1)" 1
fit whole -s "$data/attributes_literal.txt" -t 1 -g 2 --keep face,house --model svm -m auto
verdict "a mask of a single slice is found" \
    "$? $(awk -v x="$(mean whole/scores.tsv accuracy)" 'BEGIN { print (x >= .95) }')" "0 1"
