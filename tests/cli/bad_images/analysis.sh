# Rows 78 to 84 of reliability 5.1: voxels that are not numbers, nothing that varies, empty masks, and
# odd names.
. "$SRC/tests/cli/decode/functions"
mkdir d
"$tools/bad_images" d > list || { echo "not ok bad_images"; exit; }
printf 'label\trun\na\t0\nb\t0\na\t0\nb\t0\na\t0\nb\t1\na\t1\nb\t1\na\t1\nb\t1\n' > ten.tsv
fit() {
    name=$1 want=$2 pattern=$3
    shift 3
    refused "$name" "$want" "$pattern" decode fit -s ten.tsv -t label -g run --model svm --detrend 0 "$@"
}
"$tools/change_image" d/00_good.nii whole.nii fill=1
says='brainmine decode: d/7[89]_a.nii: 1 non-finite voxel in the mask, first at (0,0,0) t=0*'
fit "a NaN voxel in a mask" 3 "$says" -m whole.nii d/78_a.nii
fit "an infinite voxel in a mask" 3 "$says" -m whole.nii d/79_a.nii
for row in 78 79; do
    try "row $row without a mask is a warning" 0 '*' decode fit -s ten.tsv -t label -g run --model svm \
        --detrend 0 -m none -o auto$row d/${row}_a.nii
    verdict "row $row: how many voxels are left out, and where" \
        "$(grep -c 'warning: d/.*_a.nii: 1 voxel with non-finite values left out.*, first at (0,0,0) t=0' err)" 1
    verdict "row $row: their weights are 0" \
        "$("$tools/change_image" auto$row/mask.nii.gz m.nii && "$tools/compare_images" m.nii whole.nii)" "1${tab}1"
    fit "row $row is refused by --strict" 3 '*1 warning about the input*' --strict -m none d/${row}_a.nii
done
fit "no voxel varies, in a mask" 3 '*: d/80_a.nii: no voxel varies: nothing to fit' -m whole.nii d/80_a.nii
fit "no voxel varies, without a mask" 3 '*no voxel varies*' -m none d/80_a.nii
fit "no voxel varies, with an automatic mask" 3 'brainmine decode: *' d/80_a.nii
fit "an empty mask" 3 'brainmine decode: d/81_a.nii: mask has 0 voxels*' -m d/81_a.nii d/78_a.nii

# 82 to 84, and 111: names are data.
phantom one
phantom two --seed 1
mkdir 'a folder' "$(printf 'b\377')" c
cp one/bold.nii.gz 'a folder/new
line.nii.gz'
cp two/bold.nii.gz "$(printf 'b\377')/$(printf '\377').nii.gz"
cp one/bold.nii.gz ./-c.nii.gz
{ cat one/samples.tsv; sed 1d two/samples.tsv; } > both.tsv
try "a line feed and a byte that is not UTF-8 in names" 0 'brainmine decode: accuracy*' decode fit \
    -s both.tsv -t label --model svm -o odd 'a folder/new
line.nii.gz' "$(printf 'b\377')/$(printf '\377').nii.gz"
verdict "the groups of that are escaped" "$(column odd/scores.tsv group | head -n 2 | tr '\n' ' ')" \
    'new\x0aline \xff '
verdict "the tables of that are UTF-8" "$(cat odd/*.tsv | iconv -f UTF-8 -t UTF-8 > /dev/null 2>&1; echo $?)" 0
verdict "the JSON of that is UTF-8" "$(cat odd/*.json | iconv -f UTF-8 -t UTF-8 > /dev/null 2>&1; echo $?)" 0
verdict "rows of that have their columns" \
    "$(awk -F'\t' 'NF != 5' odd/predictions.tsv | wc -l) $(wc -l < odd/predictions.tsv)" "0 129"
"$BRAINMINE" decode fit --json -q -s both.tsv -t label --model svm -o 'out
put' 'a folder/new
line.nii.gz' "$(printf 'b\377')/$(printf '\377').nii.gz" > summary 2> err
verdict "the summary of that is UTF-8" \
    "$? $(iconv -f UTF-8 -t UTF-8 summary > /dev/null 2>&1; echo $?) $(grep -c '"out\\nput/' summary)" "0 0 1"
try "a name that starts with -, after --" 0 '*' decode fit -s one/samples.tsv -t label -g run --model svm \
    -o dash -- -c.nii.gz
try "a name that starts with -, as ./-" 0 '*' decode fit -s one/samples.tsv -t label -g run --model svm \
    -o dash2 ./-c.nii.gz
cp two/bold.nii.gz c/bold.nii.gz
try "equal base names in different folders" 0 '*' decode fit -s both.tsv -t label --model svm -o equal \
    one/bold.nii.gz c/bold.nii.gz
verdict "groups of equal base names differ" "$(column equal/scores.tsv group | sed '/n\/a/d' | sort -u | wc -l)" 2
