# connectome on images, what is said of nodes: coverage, labels lost between voxels, maps of zeros, degrees of freedom,
# bad values of an atlas.
. "$SRC/tests/cli/decode/functions"
tools=$BUILD/tools
"$BRAINMINE" simulate rest -q --preset cube24 --subjects 2 -o s
bold="s/sub-01_bold.nii.gz s/sub-02_bold.nii.gz"
# cubes SIDE NUMBER: settings of so many labelled cubes, 5 voxels apart.
cubes() {
    awk -v side="$1" -v number="$2" 'BEGIN { for (n = 1; n <= number; n++) for (v = 0; v < side ^ 3; v++)
        print "set=" 3 + 5 * ((n - 1) % 4) + v % side "," 3 + 5 * int((n - 1) / 4) + int(v / side) % side "," \
            10 + int(v / side / side) ",0," n }'
}
atlas() { "$tools/change_image" s/mask.nii.gz "$@"; }
atlas atlas.nii.gz frames=0:1 fill=0 $(cubes 3 8)
atlas pair.nii.gz frames=0:1 fill=0 $(cubes 3 3 | grep -v ",2$")
conn() { "$BRAINMINE" connectome fit -o "$out" --mask none --model oas --cv kfold:3 "$@" $bold 2> err; }
# One voxel of label 3 and one of label 5 that is lost when the images have voxels of 6 mm.
atlas point.nii.gz frames=0:1 fill=0 $(cubes 3 4) set=12,13,12,0,5
out=lost conn --atlas point.nii.gz --resample 7
verdict "a label without a voxel is lost" "$? $(tail -n 1 lost/nodes.tsv | cut -f 2,6,7 | tr '\t' ' ')" "0 label-5 0 0"
verdict "and a warning names it" \
    "$(grep -c '1 of 5 nodes is n/a for all subjects: 1 is lost between the voxels of the images: "label-5"' err)" 1
# A mask of a part: 14 of 24 in x.
atlas part.nii.gz frames=0:1 fill=0 $(awk 'BEGIN { for (v = 0; v < 24 * 24 * 24; v++) if (v % 24 < 14)
    print "set=" v % 24 "," int(v / 24) % 24 "," int(v / 576) ",0,1" }')
"$BRAINMINE" connectome fit -o part --mask part.nii.gz --model oas --cv kfold:3 --atlas atlas.nii.gz $bold 2> err
verdict "without data" "$? $(grep -c ' 2 have no data: "label-4" (s/sub-01_bold.nii.gz), "label-8" (s' err)" "0 1"
verdict "coverage found and needed" \
    "$(grep -c ' 2 have too little coverage, needed 0.5 (--min-coverage): "label-3" (0.333 in s' err)" 1
refused "no node has enough" 3 \
    '*1 of 2 nodes can be used, needed 2: 1 has too little coverage, needed 0.9 (*"label-3" (0.33*' \
    connectome fit --mask part.nii.gz --min-coverage 0.9 --atlas pair.nii.gz $bold
"$BRAINMINE" connectome score --from part -m part.nii.gz $bold 2> err > out
verdict "score says it of each subject" "$(grep -c 'of 8 nodes 2 have no data: "label-4", "label-8"; 2 have too' err)" 2
# Degrees of freedom: 150 frames, less those of drift and mean, less those of the filter.
out=plain conn --atlas atlas.nii.gz -q
verdict "degrees of freedom" "$(tr -d '\n\t' < plain/model.json | grep -c '"frames":.150, 150.,"dof":.148, 148.,')" 1
out=raw conn --atlas atlas.nii.gz -q --detrend -1
verdict "the mean goes all the same" "$(tr -d '\n\t' < raw/model.json | grep -c '"dof":.149, 149.,')" 1
out=slow conn --atlas atlas.nii.gz --tr 2 --low-pass 0.01
verdict "a filter takes more than nodes need" \
    "$? $(grep -c 'sub-01_bold.nii.gz: 5 degrees of freedom in 150 frames, no more than the 8.*; 2 such' err)" "0 1"
refused "--strict" 3 '*degrees of freedom*' connectome fit --strict --mask none --model oas --tr 2 --low-pass 0.01 \
    --atlas atlas.nii.gz $bold
# A map of zeros is nowhere.
"$tools/change_image" s/sub-01_bold.nii.gz maps.nii.gz frames=0:3 fill=0 set=5,5,5,0,1 set=15,15,12,1,2
out=maps conn --atlas maps.nii.gz
verdict "a map of zeros has no place" "$? $(tail -n 1 maps/nodes.tsv | cut -f 3-7 | tr '\t' ' ')" "0 n/a n/a n/a 0 0"
# Values that are no labels.
"$tools/change_image" atlas.nii.gz odd.nii.gz set=3,4,5,0,2.5
refused "a label of 2.5" 3 '*odd.nii.gz: voxel (3,4,5) is 2.5; a 3D atlas*' connectome fit --atlas odd.nii.gz $bold
"$tools/change_image" maps.nii.gz nan.nii.gz set=1,2,3,2,nan
refused "a map with a NaN" 3 '*nan.nii.gz: voxel (1,2,3) of map 3 is not finite (nan)' \
    connectome fit --atlas nan.nii.gz $bold
