# Images against each other, the mask and the model: rows 101 to 112 of reliability 5.2.
. "$SRC/tests/cli/decode/functions"
phantom p
phantom q --seed 1
change() { "$tools/change_image" "$@" || echo "not ok change_image $*"; }
change p/bold.nii.gz first.nii frames=0:32
change p/bold.nii.gz second.nii frames=32:32
t=p/samples.tsv
fit() { # NAME CODE PATTERN ARGS
    name=$1 want=$2 pattern=$3
    shift 3
    refused "$name" "$want" "brainmine decode: $pattern" decode fit -s $t -t label --model svm "$@"
}
"$BRAINMINE" simulate decode -q -o small --shape 11x14x10 --voxels 400 --samples 32 --groups 4
fit "105: another shape" 3 'small/bold.nii.gz: shape 11x14x10 differs from first.nii: 12x14x10' first.nii \
    small/bold.nii.gz
try "images are groups" 0 '*' decode fit -q -s $t -t label --model svm -o groups first.nii second.nii
verdict "called as subjects are" "$(column groups/scores.tsv group | head -n 2 | tr '\n' ' ')" "first second "
for i in 0 1 2 3; do change p/bold.nii.gz run$i.nii frames=$((16 * i)):16; done
printf 'subject\timage\nx\trun0.nii\nx\trun1.nii\ny\trun2.nii\ny\trun3.nii\n' > subjects.tsv
try "subjects of a table are groups" 0 '*' decode fit -q -s $t -t label --model svm -o by --subjects subjects.tsv
verdict "of all their images" "$(column by/scores.tsv group | head -n 3 | tr '\n' ' ')$(column by/scores.tsv n_test |
    head -n 2 | tr '\n' ' ')" "x y n/a 32 32 "
change second.nii moved.nii move=2
fit "106: another affine" 3 'moved.nii: affine differs by up to 2.0 mm (limit 0.001 mm) from first.nii' first.nii \
    moved.nii
change second.nii near.nii move=0.0005
try "106: a rounding of the affine" 0 '*' decode fit -s $t -t label --model svm -o near first.nii near.nii
change second.nii turned.nii axes=-x+y+z
fit "106: other axes" 3 'turned.nii: affine differs by*' first.nii turned.nii
try "--resample brings them together" 0 '*' decode fit -s $t -t label --model svm --resample first.nii -m none -o \
    together \
    first.nii turned.nii
"$BRAINMINE" decode fit -q -s $t -t label --model svm -m none -o apart first.nii second.nii
verdict "what --resample turns back is the same" \
    "$(close apart/weights.nii.gz together/weights.nii.gz 1e-6; echo $?)" 0
change p/mask.nii.gz moved_mask.nii move=2
fit "107: a mask of another grid" 3 \
    'moved_mask.nii: mask grid differs from image grid; resample first (no silent resampling)*' \
    -g run -m moved_mask.nii p/bold.nii.gz
fit "107: a mask of another shape" 3 'small/mask.nii.gz: mask grid differs*' -g run -m small/mask.nii.gz p/bold.nii.gz
change p/mask.nii.gz grey.nii times=0.3
try "108: a mask of other values" 0 '*' decode fit -s $t -t label -g run --model svm -m grey.nii -o grey p/bold.nii.gz
verdict "108: is a warning" "$(grep -c 'warning: grey.nii: 400 values other than 0 and 1' err)" 1
fit "108: refused by --strict" 3 '*1 warning about the input*' --strict -g run -m grey.nii p/bold.nii.gz
change p/mask.nii.gz nan.nii set=6,7,5,0,nan
fit "108: NaN in a mask" 3 'nan.nii: *' -g run -m nan.nii p/bold.nii.gz
change p/mask.nii.gz one.nii fill=0 set=6,7,5,0,1
fit "109: a mask of one voxel" 3 'one.nii: mask has 1 voxel*' -g run -m one.nii p/bold.nii.gz
fit "a mask of several frames" 3 'p/bold.nii.gz: *' -g run -m p/bold.nii.gz p/bold.nii.gz
{ cat $t; sed 1d $t; } > twice.tsv
cp p/bold.nii.gz copy.nii.gz
try "110: the same file twice" 0 '*' decode fit -s twice.tsv -t label --model svm -o twice p/bold.nii.gz copy.nii.gz
verdict "110: is a warning" "$(grep -c 'warning: identical content: p/bold.nii.gz = copy.nii.gz' err)" 1
refused "110: refused by --strict" 3 '*1 warning about the input, and --strict is given' decode fit --strict -s \
    twice.tsv \
    -t label --model svm p/bold.nii.gz p/bold.nii.gz
change p/bold.nii.gz frame.nii frames=0:1
printf 'label\na\n' > one.tsv
refused "112: one frame" 3 'brainmine decode: *' decode fit -s one.tsv -t label --model svm frame.nii
fit "103: a missing image" 3 'none.nii: No such file or directory' none.nii
fit "a missing mask" 3 'none.nii: No such file or directory' -m none.nii p/bold.nii.gz
fit "a missing list" 3 'none.txt: No such file or directory' @none.txt
fit "146: a name longer than PATH_MAX" 3 '*: File name too long' "$(printf '%05000d' 0)"
fit "a table as an image" 3 "$t: *" $t
if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
    cp p/bold.nii.gz secret.nii.gz
    cp "$BRAINMINE" program 2> /dev/null
    chmod 0 secret.nii.gz
    chmod -R a+rX . && chmod a+x ..
    chmod 0 secret.nii.gz
    setpriv --reuid 65534 --regid 65534 --clear-groups ./program decode fit -s $t -t label -g run -o /tmp/none \
        secret.nii.gz > out 2> err
    code=$?
    if [ $code = 126 ]; then echo "skip 101: the program cannot be started by another user"
    else said "101: unreadable" 3 'brainmine decode: secret.nii.gz: Permission denied'; fi
    mkdir closed && chmod 755 closed
    setpriv --reuid 65534 --regid 65534 --clear-groups ./program decode fit -s $t -t label -g run -o closed/result \
        p/bold.nii.gz > out 2> err
    code=$?
    said "136: a folder of another user" 4 'brainmine decode: closed*: Permission denied'
elif [ "$(id -u)" != 0 ]; then
    cp p/bold.nii.gz secret.nii.gz && chmod 0 secret.nii.gz
    fit "101: unreadable" 3 'secret.nii.gz: Permission denied' secret.nii.gz
    mkdir closed && chmod 555 closed
    try "136: a folder that cannot be written" 4 'brainmine decode: closed*: Permission denied' decode fit -s $t -t \
        label \
        -o closed/result p/bold.nii.gz
fi

# The model: read back with suspicion.
"$BRAINMINE" decode fit -q -s $t -t label -g run --model svm -o m p/bold.nii.gz
broken() { # NAME PATTERN: the model is m2
    try "$1" 3 "brainmine decode: $2" decode predict --from m2 q/bold.nii.gz
    verdict "$1: no output" "$(wc -c < out)" 0
    rm -rf m2
    cp -r m m2
}
cp -r m m2; rm m2/model.json
broken "a model without model.json" 'm2/model.json: No such file or directory'
rm m2/weights.nii.gz
broken "a model without weights" 'm2/weights.nii.gz: No such file or directory'
echo '{' > m2/model.json
broken "a model.json cut short" 'm2/model.json: is not * JSON object'
echo '{}' > m2/model.json
broken "a model.json of another kind" 'm2/model.json: *format* is "", needed "brainmine decoder 1"'
sed 's/"svm"/"magic"/' m/model.json > m2/model.json
broken "a model of an unknown kind" 'm2/model.json: field "estimator"*'
sed 's/"detrend":.*/"detrend": 99,/' m/model.json > m2/model.json
broken "a model with a parameter out of range" 'm2/model.json: *detrend*'
sed 's/"intercept":.*/"intercept": [1, 2],/' m/model.json > m2/model.json
broken "a model with too many intercepts" 'm2/model.json: field "intercept"*'
sed 's/"intercept":.*/"intercept": ["x"],/' m/model.json > m2/model.json
broken "a model whose intercept is no number" 'm2/model.json: field "intercept"*'
change m/weights.nii.gz bad.nii set=6,7,5,0,nan
gzip -c bad.nii > m2/weights.nii.gz
broken "weights that are not finite" 'm2/weights.nii.gz: *not finite'
gzip -dc m/weights.nii.gz | head -c 3000 | gzip > m2/weights.nii.gz
broken "weights cut short" 'm2/weights.nii.gz: *'
try "a model that is a file" 3 'brainmine decode: p/bold.nii.gz: is a file: --from wants the directory*' \
    decode predict --from p/bold.nii.gz q/bold.nii.gz
try "new images of another grid" 3 'brainmine decode: *m/mask.nii.gz: mask grid differs*' decode predict --from m \
    small/bold.nii.gz
sed 's/house/cat/' $t > cat.tsv
try "a class that the model has not" 3 'brainmine decode: cat.tsv: "cat" in column "label" is no class of the model' \
    decode score --from m -s cat.tsv -t label p/bold.nii.gz
try "words where the model has numbers" 3 'brainmine decode: *' decode score --from m -s $t -t colour p/bold.nii.gz
