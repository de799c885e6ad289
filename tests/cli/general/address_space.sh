# Under ulimit -v a command computes with fewer threads, or refuses; it never waits for memory.
. "$SRC/tests/cli/decode/functions"
case $(nm "$BRAINMINE" 2>/dev/null) in
    *__asan_init*) echo "SKIP the address sanitizer needs the address space"; exit 77 ;;
esac
phantom ph
fit="decode --model svm --cache off -s ph/samples.tsv -t label -g run -m ph/mask.nii.gz ph/bold.nii.gz"

limited() { # KIB ARGS...: brainmine ARGS under ulimit -v
    limit=$1
    shift
    (ulimit -v "$limit" && exec timeout -s KILL 20 "$BRAINMINE" "$@") > out 2> err
    code=$?
}

for kib in 70000 120000; do
    for threads in 1 2; do
        limited $kib $fit -j $threads -o none
        said "$kib KiB are refused with $threads threads" 1 \
            "brainmine decode: needs * of address space and more for the data, limit * (ulimit -v)"
        limited $kib $fit -j $threads -n -o none
        said "$kib KiB are refused with $threads threads in a dry run" 1 "*: needs *, limit *"
    done
    verdict "nothing is left under $kib KiB" "$([ -e none ] && echo there)" ""
    limited $kib cache info --cache cache
    verdict "what computes nothing runs in $kib KiB" "$code" 0
done
for kib in 200000 700000; do
    limited $kib $fit -j 2 -o at_$kib
    verdict "$kib KiB are enough" "$code" 0
done
"$BRAINMINE" $fit -o free 2> err
for name in weights.nii.gz scores.tsv model.json; do
    for kib in 200000 700000; do
        cmp -s free/$name at_$kib/$name
        verdict "the limit of $kib KiB does not change $name" "$?" 0
    done
done

# Something between: enough to start, not for the data.
"$BRAINMINE" simulate decode -q -o large --shape 40x40x40 --voxels 32000 --samples 400 --groups 4
limited 210000 decode --model svm --cache off -s large/samples.tsv -t label -g run \
    -m large/mask.nii.gz -o nothing large/bold.nii.gz
said "data that do not fit are refused before they are read" 1 \
    "brainmine decode: needs *, limit * (see --memory)"
