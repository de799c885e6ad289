# Every command with its K-th allocation refused: exit 1, one line that speaks of memory, and no file
# of a result. In a short run few K of each.
. "$SRC/tests/cli/decode/functions"
grow=${LONG:+3} # K grows by this much of a hundredth
grow=${grow:-60}

# refusing NAME ARGS...: until there are not K allocations.
refusing() {
    name=$1 k=0 tried=0 wrong=
    shift
    while :; do
        rm -rf made
        FAIL_ALLOC=$k "$tools/fail_alloc" "$@" > out 2> err
        code=$?
        [ $code != 0 ] || break
        tried=$((tried + 1))
        [ $code = 1 ] || wrong="$wrong $k:exit$code"
        [ "$(grep -vc ': warning: ' err)" -le 2 ] || wrong="$wrong $k:lines"
        grep -q 'memory' err || wrong="$wrong $k:$(head -n 1 err | cut -c 1-80)"
        [ -z "$(find made -type f 2>/dev/null)" ] || wrong="$wrong $k:left"
        [ -z "$wrong" ] || break
        k=$((k + 1 + k * grow / 100))
    done
    [ $tried -gt 3 ] || wrong="$wrong only-$tried"
    if [ -z "$wrong" ]; then echo "ok $name: $tried of about $k allocations refused"; else
        echo "not ok $name:$wrong"
        head -n 5 err | sed 's/^/# /'
    fi
}

phantom ph
"$BRAINMINE" simulate rest -q -o rest --subjects 2 --frames 30 -k 3 --shape 12x12x8 || echo "not ok rest"
"$BRAINMINE" simulate connectome -q -o conn --subjects 2 --frames 40 --nodes 6 || echo "not ok conn"
decode="-s ph/samples.tsv -t label -g run -m ph/mask.nii.gz ph/bold.nii.gz"
for model in "svm" "tv-l1 --nested no --alpha .2max"; do
    refusing "decode fit --model $model" decode fit --cache off --model $model $decode -o made
done
refusing "a dry run" decode fit -n --cache off $decode -o made
"$BRAINMINE" decode fit -q --cache off --model svm $decode -o svm || echo "not ok svm"
refusing "decode predict" decode predict --cache off --from svm ph/bold.nii.gz -o made/p.tsv
refusing "dictlearn fit" dictlearn fit --cache off -k 3 -m rest/mask.nii.gz -o made rest/*_bold.nii.gz
refusing "connectome fit" connectome fit --cache off -o made conn/*_timeseries.tsv
refusing "simulate decode" simulate decode --shape 12x14x10 --voxels 400 --samples 32 -o made
refusing "simulate rest" simulate rest --shape 12x12x8 --subjects 2 --frames 20 -k 3 -o made
"$BRAINMINE" decode fit -q --cache cache --model svm $decode -o filled || echo "not ok cache"
refusing "a warm run" decode fit --cache cache --model svm $decode -o made
refusing "cache list" cache list --cache cache
refusing "cache verify" cache verify --cache cache
try "the cache is whole after all that" 0 "*" cache verify --cache cache
