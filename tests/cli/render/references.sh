# Each view looks as it did when it was last looked at: the pictures of data/golden, within what
# fonts and drivers may differ by (tests/support/like_picture_main.c), which no wrong picture is.
# REMAKE_PICTURES=1 sh tests/run_cli.sh tests/cli/render/references.sh makes them anew, and
# sh tests/check_data.sh remake their digests: look at each, and say in the commit what has changed.
. "$SRC/tests/cli/render/functions"
brain p
references=$SRC/data/golden
if [ ! -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ]; then
    echo "SKIP another font than that of the references (package fonts-dejavu-core)"
    exit 77
fi
for part in R L; do # an atlas of two regions a side, named by the table beside it
    [ $part = R ] && first=4 || first=16
    for i in 0 1 2 3; do for j in 0 1 2 3 4 5; do for k in 0 1 2 3; do
        echo "set=$((first + i)),$((7 + j)),$((9 + k)),0,$([ $part = R ] && echo 1 || echo 2)"
        echo "set=$((first + i)),$((15 + j)),$((9 + k)),0,$([ $part = R ] && echo 3 || echo 4)"
    done; done; done
done | xargs "$tools/change_image" p/map.nii.gz atlas.nii fill=0
printf 'index\tname\n1\tback right\n2\tback left\n3\tfront right\n4\tfront left\n' > atlas.tsv
# Two clusters at the surface: right, positive; left in front, negative.
for i in 2 3 4 5 6; do for j in 10 11 12 13 14; do for k in 11 12 13 14; do
    echo "set=$i,$j,$k,0,5"
    echo "set=$((i + 12)),$((j + 9)),$((k - 3)),0,-3"
done; done; done | xargs "$tools/change_image" p/map.nii.gz map.nii fill=0
draw() { # NAME VIEW ARGS...
    name=$1
    shift
    "$BRAINMINE" render "$@" -f -q -o "$name.png" --size 300x225 2> err || sed 's/^/# /' err
}
draw slices slices map.nii -m p/mask.nii.gz --title "A title over slices"
draw mosaic slices map.nii -m p/mask.nii.gz --axis mosaic
draw glass glass map.nii -m p/mask.nii.gz
draw surface surface map.nii -m p/mask.nii.gz
draw volume volume map.nii -m p/mask.nii.gz
draw graph graph p/edges.tsv --nodes p/nodes.tsv
draw matrix matrix p/matrix.tsv --nodes p/nodes.tsv
draw atlas glass atlas.nii -m p/mask.nii.gz --title "A title, and a legend below"
names="slices mosaic glass surface volume graph matrix atlas"
if [ -n "$REMAKE_PICTURES" ]; then
    for name in $names; do cp $name.png "$references/$name.png"; done
fi
verdict_of() { "$tools/like_picture" "$references/$1.png" "$2" $3; } # NAME PICTURE [CHANGE]
for name in $names; do
    said=$(verdict_of $name $name.png)
    verdict "$name is like the reference" "${said%% *}" like
    [ "${said%% *}" = like ] || echo "# $said"
    missed=
    for change in flip turn shift recolour fade blank; do
        said=$(verdict_of $name $name.png $change)
        [ "${said%% *}" = unlike ] || missed="$missed $change ($said)"
    done
    verdict "$name changed is unlike it" "$missed" ""
done

# Pictures that are drawn wrongly.
unlike() { # NAME REFERENCE VIEW ARGS...
    name=$1 reference=$2
    shift 2
    draw wrong "$@"
    said=$(verdict_of $reference wrong.png)
    verdict "$name is unlike the reference" "${said%% *}" unlike
}
"$tools/change_image" map.nii back.nii axes=-x+y+z
"$tools/change_image" map.nii moved.nii move=8
"$tools/change_image" map.nii half.nii $(for i in 2 3 4 5 6; do for j in 10 11 12 13 14; do for k in 11 12 13 14; do
    echo "set=$i,$j,$k,0,0"; done; done; done)
for view in glass surface volume; do
    unlike "$view of one cluster of two" $view $view half.nii -m p/mask.nii.gz --range -5:5
    unlike "$view of a map beside its place" $view $view moved.nii -m p/mask.nii.gz
    unlike "$view from the other side" $view $view map.nii -m p/mask.nii.gz --radiological
    unlike "$view in other colours" $view $view map.nii -m p/mask.nii.gz --cmap blue-red
    unlike "$view without a colour bar" $view $view map.nii -m p/mask.nii.gz --colorbar no
done
unlike "slices elsewhere" slices slices map.nii -m p/mask.nii.gz --title "A title over slices" --cuts 0,0,10
unlike "slices without their title" slices slices map.nii -m p/mask.nii.gz
unlike "a graph of fewer edges" graph graph p/edges.tsv --nodes p/nodes.tsv --edges 60%
unlike "a matrix in another order" matrix matrix p/matrix.tsv --nodes p/nodes.tsv --order file
mv atlas.tsv other.tsv
unlike "an atlas without its names" atlas glass atlas.nii -m p/mask.nii.gz --title "A title, and a legend below"
draw turned glass back.nii -m p/mask.nii.gz
said=$(verdict_of glass turned.png)
verdict "the same map in another order of axes is like the reference" "${said%% *}" like
