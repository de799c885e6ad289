# Every row of reliability 5.1 through the whole program: exit code, one line that names the file and
# says what is wrong, no file left, and no waiting.
. "$SRC/tests/cli/decode/functions"
mkdir d
"$tools/bad_images" d > list || { echo "not ok bad_images"; exit; }
printf 'label\na\na\nb\nb\n' > four.tsv
slow=2000
[ -n "$SAN" ] && slow=20000

# What is fitted with an image: three more of its grid.
partners() { # IMAGE
    for i in 1 2 3; do "$tools/change_image" "$1" p$i.nii noise=$i || return; done
}
three() {
    partners d/00_good.nii
    case $1 in
        12 | 13) set -- "$@" "$2" "$2" "$2" ;;
        *) [ "$3" = 0 ] && partners "$2"; set -- "$@" p1.nii p2.nii p3.nii ;;
    esac
    shift 3
    printf '%s\n' "$@" > partners
}

# fit ID FILE EXIT TEXT SHOWN
fit() {
    three "$1" "$2" "$3"
    rm -rf result
    before=$(date +%s%N)
    "$BRAINMINE" decode fit -s four.tsv -t label -m none --detrend 0 --cv kfold:2 --model correlation \
        --memory 500M -o result -- "$2" @partners > out 2> err
    code=$?
    ms=$((($(date +%s%N) - before) / 1000000))
    files=$(find result -type f 2>/dev/null | wc -l)
    wrong=
    [ $code = "$3" ] || wrong="exit $code, wanted $3"
    [ $ms -lt $slow ] || wrong="$wrong; took $ms ms"
    [ -s out ] && wrong="$wrong; stdout is not empty"
    warnings=$(grep -c '^brainmine decode: warning: ' err)
    others=$(($(wc -l < err) - warnings))
    if [ "$3" = 0 ]; then
        [ "$files" = 8 ] || wrong="$wrong; $files files"
        # An oddity is said once, though header and voxels are read apart.
        expected=0
        [ -n "$4" ] && expected=1
        [ "$warnings $others" = "$expected 1" ] || wrong="$wrong; $warnings warnings, $others lines"
    else
        [ "$files" = 0 ] || wrong="$wrong; $files files are left"
        [ $others = 1 ] || wrong="$wrong; $others lines"
    fi
    if [ -n "$4" ]; then
        grep -F -- "$4" err | grep -qF -- "${5##*/}" || wrong="$wrong; the message is not as wanted"
    fi
    if [ -z "$wrong" ]; then echo "ok row $1"; else
        echo "not ok row $1: $wrong"
        head -n 4 err | sed 's/^/# /'
    fi
}

newline='d/82_new
line.nii'
while IFS=$tab read -r id path exit says; do
    case $id in
        78 | 79 | 80 | 81) ;;
        71 | 72) fit "$id" "$path" "$exit" "$says" "${says%%:*}" ;; # the half that is missing
        13) fit "$id" "$path" "$exit" "$says" "$path" ;;
        82) fit "$id" "$newline" "$exit" "$says" "$path" ;;
        83) fit "$id" "d/83_$(printf '\377').nii" "$exit" "$says" "$path" ;;
        *) fit "$id" "$path" "$exit" "$says" "$path" ;;
    esac
done < list
