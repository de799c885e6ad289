# Pictures that are kept: by what is drawn, how, and by which program.
. "$SRC/tests/cli/render/functions"
brain p
BRAINMINE_CACHE=$PWD/cache
export BRAINMINE_CACHE
draw() { # OUT ARGS...: what explain and -v would say of the cache is in err
    out=$1
    shift
    "$BRAINMINE" render "$@" -f -v -o "$out" --size 420x320 2> err || sed 's/^/# /' err
}
found() { grep -c 'cache: render.picture from entry' err; }
for view in $views; do
    BRAINMINE_CACHE=off draw off.png $view $(file_of $view)
    draw cold.png $view $(file_of $view)
    cold=$(found)
    draw warm.png $view $(file_of $view)
    verdict "$view: drawn, then found" "$cold $(found)" "0 1"
    cmp -s off.png cold.png && cmp -s cold.png warm.png
    verdict "$view: the same bytes without a cache, cold and warm" $? 0
done
draw way.png volume $(file_of volume)
verdict "what is found was drawn some way: -v says which" "$(grep -c 'in the cache: draws through' err)" 1
draw way.png slices $(file_of slices)
verdict "or that it needed none" "$(grep -c 'in the cache: draws without OpenGL' err)" 1
cp p/map.nii.gz other.nii.gz
gzip -dc p/map.nii.gz > map.nii
draw other.png slices other.nii.gz --mask p/mask.nii.gz -j 1
verdict "another name and other threads: found" "$(found)" 1
draw title.png slices p/map.nii.gz --mask p/mask.nii.gz --title Words
verdict "another title: drawn" "$(found)" 0
draw bare.png slices p/map.nii.gz
verdict "without the mask: drawn" "$(found)" 0
"$tools/change_image" map.nii changed.nii set=5,14,11,0,9
draw changed.png slices changed.nii --mask p/mask.nii.gz
verdict "another content: drawn" "$(found)" 0
draw fresh.png slices p/map.nii.gz --mask p/mask.nii.gz --refresh
verdict "--refresh: drawn" "$(found)" 0
plan() {
    "$BRAINMINE" render slices p/map.nii.gz --mask p/mask.nii.gz -n -o new.png --size 420x320 "$@" |
        tail -n 1 | sed 's/^ *//'
}
verdict "a dry run says that it is there" "$(plan)" "cached: 1 of 1 picture"
verdict "or is not" "$(plan --cmap ember)" "cached: 0 of 1 picture"
why=$("$BRAINMINE" cache explain render slices p/map.nii.gz --mask p/mask.nii.gz -o new.png --size 420x320 \
    --canvas black 2> err | awk -F'\t' 'NR > 1 { print $1, $2, $4 }')
verdict "explain names what differs" "$why" "render.picture no canvas"
ln p/map.nii.gz gone.nii.gz
rm gone.nii.gz
"$BRAINMINE" render slices gone.nii.gz -o no.png 2> err
code=$?
BRAINMINE_CACHE=off "$BRAINMINE" render slices gone.nii.gz -o no.png 2> err.off
verdict "a file that is not there: the same sentence and code" "$code $(cat err)" "$? $(cat err.off)"

fit() {
    "$BRAINMINE" decode fit -q -f --figures --model ridge --alpha 1 -s p/samples.tsv -t label -g run -m p/mask.nii.gz \
        -o "$1" p/bold.nii.gz
}
fit one
before=$("$BRAINMINE" cache list | grep -c render.picture)
fit two
verdict "pictures of --figures are found" "$("$BRAINMINE" cache list | grep -c render.picture)" "$before"
verdict "and are the same bytes" "$(for f in one/figures/*; do cmp "$f" "two/figures/${f##*/}"; done 2>&1)" ""
