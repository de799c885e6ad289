# Penalties: those that no path of a training set had yet are fitted, and no others.
. "$SRC/tests/cli/cache/functions"
paths=15 # training sets, of which the folds of five groups make as many
run() { # DIR LIST OPTIONS...
    rm -rf "$1"
    "$BRAINMINE" decode fit -v --progress never -s "$data/samples.tsv" -t label -g run -m "$data/mask.nii.gz" \
        --model $model --seed 9 -o "$1" $option "$2" $3 $4 "$data/bold.nii.gz" 2> said
}
plan() { # LIST
    "$BRAINMINE" decode fit -n -s "$data/samples.tsv" -t label -g run -m "$data/mask.nii.gz" --model $model --seed 9 \
        $option "$1" -o new "$data/bold.nii.gz" |
        sed -n 's/^cached: \(.*\) \(paths of penalties\|fits of these paths\)/\1/p' | tail -n 1
}
# after NAME N OF LIST: N of the penalties of the list are there, and the others are fitted.
after() {
    wanted="$(($2 * paths)) of $(($3 * paths))"
    [ $2 = $3 ] && wanted="$paths of $paths"
    verdict "$model: $1: the plan" "$(plan "$4")" "$wanted"
    run more "$4"
    verdict "$model: $1: each path takes what there is" \
        "$(grep -c ": $2 of $3 penalties are those of other paths" said)" $paths
    run whole "$4" --cache off
    same "$model: $1: the bytes of all in one go" whole more
}
phantom p --shape 14x16x12 --voxels 600 --samples 60 --groups 5
phantom thin --shape 14x16x12 --voxels 40 --samples 60 --groups 5
for case in tv-l1:p tv:p ridge:p ridge:thin svm:p logistic:p; do
    model=${case%:*} data=${case#*:}
    case $model in
        svm | logistic) option=--C u= a=10 b=1 c=.1 d=.01 e=.001 ;;
        *) option=--alpha u=max a=.8 b=.6 c=.05 d=.01 e=.002 ;;
    esac
    list() { printf '%s' "$1$u"; shift; printf ",%s$u" "$@"; }
    run few "$(list $b $d)"
    after "a value between" 2 3 "$(list $b $c $d)"
    after "values before and after" 3 5 "$(list $a $b $c $d $e)"
    after "another in place of one" 2 3 "$(list $a .3 $e)"
    after "of two earlier lists" 6 6 "$(list $a $b .3 $c $d $e)"
    after "fewer" 2 2 "$(list $a $d)"
done
