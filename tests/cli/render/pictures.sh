# What is where in the pictures, and what options do to them.
. "$SRC/tests/cli/render/functions"
brain p
gzip -dc p/map.nii.gz > map.nii
gzip -dc p/mask.nii.gz > mask.nii
draw() { # OUT VIEW ARGS...
    out=$1 view=$2
    shift 2
    "$BRAINMINE" render $view -f -q -o "$out" --size 420x320 "$@" 2> err || sed 's/^/# /' err
}
for view in slices volume; do
    draw straight.png $view map.nii --mask mask.nii
    same=0
    for axes in -x-y-z +x+z+y +y+x+z -y+z-x +z-x+y -z-y-x; do
        "$tools/change_image" map.nii turned.nii "axes=$axes"
        "$tools/change_image" mask.nii turned_mask.nii "axes=$axes"
        draw turned.png $view turned.nii --mask turned_mask.nii
        cmp -s straight.png turned.png && same=$((same + 1))
    done
    verdict "orders of the axes give the same bytes of $view" $same 6
done

differs() { # NAME OPTIONS...: the picture is another one
    name=$1
    shift
    draw changed.png slices map.nii --mask mask.nii "$@"
    cmp -s plain.png changed.png
    verdict "$name changes the picture" $? 1
}
draw plain.png slices map.nii --mask mask.nii
differs --threshold --threshold 80%
differs --cuts --cuts 10,20,10
differs --axis --axis mosaic
differs --cmap --cmap ember
differs --range --range -9:9
differs --title --title Words
differs --colorbar --colorbar no
differs --canvas --canvas black
differs --radiological --radiological
differs --labels --labels no --threshold 1%
draw again.png slices map.nii --mask mask.nii --threshold 0%
draw explicit.png slices map.nii --mask mask.nii --size 420x320 --canvas white --colorbar yes --axis ortho --cuts auto
cmp -s plain.png explicit.png
verdict "defaults written out change nothing" $? 0

# A voxel by itself, in two colours: the share of pixels that differ.
"$tools/change_image" map.nii one.nii fill=0 set=11,14,18,0,2
for view in slices glass volume; do
    draw one.png $view one.nii --mask mask.nii --colorbar no
    draw other.png $view one.nii --mask mask.nii --colorbar no --cmap lagoon
    seen=$("$tools/compare_pictures" one.png other.png | awk '{ print ($3 > 1e-4) }')
    verdict "one voxel is seen in $view" "$seen" 1
done

mean() { "$tools/compare_pictures" --mean "$@"; }
for view in slices surface; do
    draw clear.png $view map.nii --mask mask.nii --canvas transparent
    verdict "corners of a transparent $view are clear" "$(mean clear.png 0 0 .02 .02)" "0.0 0.0 0.0 0.0"
    draw black.png $view map.nii --mask mask.nii --canvas black
    verdict "corners of a black $view are black" "$(mean black.png 0 0 .02 .02)" "0.0 0.0 0.0 255.0"
done
draw dots.png slices map.nii --mask mask.nii --dpi 254
dots=$(od -An -tu1 dots.png | tr -s ' \n' ' ' | grep -c '112 72 89 115 0 0 39 16 0 0 39 16 1')
verdict "--dpi is in the file" "$dots" 1

# A ball on the left of the head, of 0 elsewhere.
"$tools/change_image" map.nii ball.nii fill=0 set=5,14,11,0,9 set=6,14,11,0,9 set=5,15,11,0,9
draw left.png slices ball.nii --mask mask.nii --axis z --cuts 0:1:0 --colorbar no
draw right.png slices ball.nii --mask mask.nii --axis z --cuts 0:1:0 --colorbar no --radiological
blue() { mean "$1" "$2" .2 "$3" .8 | awk '{ print int($1 - $3) }'; }
verdict "a mirrored picture is the other way round" \
    "$(blue left.png 0 .5)/$(blue left.png .5 1)" "$(blue right.png .5 1)/$(blue right.png 0 .5)"

if [ -n "$BRAINMINE_TEST_DATA" ]; then
    data=$BRAINMINE_TEST_DATA
    t=$data/C_statmaps/motor_tmap_10426.nii.gz t1=$data/C_mni152/mni152_t1_1mm.nii.gz
    for view in slices glass surface volume; do
        draw real.png $view "$t" --background "$t1" --threshold 3
        drawn=$("$tools/compare_pictures" --mean real.png 0 0 1 1 | awk '{ print ($1 > 100 && $1 < 252) }')
        verdict "$view of a t map on the MNI brain draws" "$drawn" 1
    done
    draw atlas.png slices "$data/C_atlases_debian/aal.nii.gz" --background "$t1" --labels outline
    draw matrix.png matrix "$data/D_rest_aal2_5subjects/NAP_001_structural.csv" --scale log
    verdict "a structural matrix draws" "$(is_png matrix.png && echo png)" png
    "$BRAINMINE" render slices "$data/E_nibabel_formats/row_major.dconn.nii" -o no.png 2> err
    code=$?
    said "a CIFTI file is refused politely" 3 "brainmine render: *CIFTI*"
else
    echo "skip pictures of real data: no BRAINMINE_TEST_DATA"
fi
