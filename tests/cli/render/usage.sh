# What render refuses, and in which words; nothing is left of what was refused.
. "$SRC/tests/cli/render/functions"
brain p
mistake() { # NAME CODE PATTERN ARGS...
    name=$1 want=$2 pattern=$3
    shift 3
    "$BRAINMINE" render "$@" --progress never > out 2> err
    code=$?
    if [ -s out ] || [ -e no.png ]; then echo "not ok $name: something is left"; rm -f no.png
    else said "$name" "$want" "$pattern"; fi
}
map=p/map.nii.gz
mistake "a missing map" 3 "brainmine render: none.nii: *No such file*" slices none.nii -o no.png
mistake "no output" 2 "*an output is needed*" slices $map
mistake "a name that promises another format" 2 "*--output no.JPG: figures are PNG*" slices $map -o no.JPG
mistake "two maps" 2 "*wants one file, got 2" slices $map $map -o no.png
mistake "a bad size" 2 "*--size wants WIDTHxHEIGHT*" slices $map -o no.png --size 10x10
mistake "a bad range" 2 "*--range wants A:B*" slices $map -o no.png --range 3:2
mistake "a bad threshold" 2 "*--threshold wants*" slices $map -o no.png --threshold high
mistake "a threshold beyond all percentiles" 2 "*--threshold wants*" slices $map -o no.png --threshold 101%
mistake "two cuts of three" 2 "*three numbers x,y,z*" slices $map -o no.png --cuts 1,2
mistake "an unknown colour map" 2 "*--cmap wants one of*" slices $map -o no.png --cmap rainbow
mistake "an option of another view" 2 "*unknown option '--cuts' of matrix: it is one of slices" \
    matrix p/matrix.tsv -o no.png --cuts 1
mistake "a graph without nodes" 2 "*--nodes is needed*" graph p/edges.tsv -o no.png
mistake "volumes in time" 3 "*16 volumes in time*--frame*" slices p/bold.nii.gz -o no.png
mistake "a frame that is not there" 3 "*--frame 99*" slices p/bold.nii.gz --frame 99 -o no.png
sed '3,4d' p/nodes.tsv > fewer.tsv
mistake "fewer nodes than rows" 3 "*12 rows, but fewer.tsv has 10 nodes: fewer.tsv lacks 10, 11" \
    graph p/matrix.tsv --nodes fewer.tsv -o no.png
mistake "edges to nodes that are not there" 3 "*fewer.tsv lacks*2 (row*" graph p/edges.tsv --nodes fewer.tsv -o no.png

"$BRAINMINE" render slices $map -o a.png --progress never
"$BRAINMINE" render slices $map -o a.png 2> err
code=$?
said "an existing picture stays" 4 "*a.png: exists*"
"$BRAINMINE" render slices $map -o - --progress never > b.png
cmp a.png b.png > err 2>&1
verdict "- is standard output" "$?$(cat err)" 0
"$BRAINMINE" render slices $map -f -o $map 2> err
code=$?
said "the map is never replaced by its picture" 4 "*would overwrite input*"
"$BRAINMINE" render slices $map -o c.png --json --progress never > out
verdict "--json names the picture" "$(grep -c '"c.png"' out)" 1
"$tools/change_image" $map zero.nii fill=0
"$BRAINMINE" render slices zero.nii -o zero.png --progress never 2> err
code=$?
said "an empty map is drawn with a warning" 0 ""
verdict "the warning" "$(grep -c 'warning: zero.nii: no value' err)" 1
"$BRAINMINE" render slices zero.nii --strict -f -o zero.png 2> err
verdict "the warning fails under --strict" $? 3
mkdir bin
cp "$BRAINMINE" bin/brainmine
bin/brainmine render slices $map -o no.png 2> err
code=$?
said "without the renderer it says so" 1 "brainmine render: the renderer is not installed*"
verdict "and what to install" "$(grep -c libvtk9-dev err)" 1
printf '#!/bin/sh\nkill -SEGV $$\n' > bin/brainmine-render
chmod +x bin/brainmine-render
bin/brainmine render slices $map -o no.png 2> err
code=$?
said "a renderer that crashes is an error" 1 "brainmine render: the renderer was killed by signal 11*"

# --figures of decode fit.
figures() { # PROGRAM DIR
    "$1" decode fit --model ridge --alpha 1 -s p/samples.tsv -t label -g run -m p/mask.nii.gz --figures \
        -o "$2" p/bold.nii.gz 2> err
    code=$?
}
figures "$BRAINMINE" fitted
verdict "decode fit --figures draws the result" "$code $(cd fitted/figures && echo *)" \
    "0 confusion.png glass.png slices.png"
"$BRAINMINE" simulate rest -q --preset cube24 --shape 12x12x12 --subjects 3 --frames 40 -k 2 -o rest
"$BRAINMINE" dictlearn fit -q -k 2 --min-region 100 -m rest/mask.nii.gz --figures -o maps rest/sub-*_bold.nii.gz
"$BRAINMINE" connectome fit -q --atlas maps/atlas.nii.gz -m rest/mask.nii.gz --figures -o graph rest/sub-*_bold.nii.gz
verdict "so do dictlearn and connectome" "$(echo maps/figures/* graph/figures/*)" \
    "maps/figures/glass.png maps/figures/slices.png graph/figures/graph.png graph/figures/matrix.png"
rm bin/brainmine-render
figures bin/brainmine plain
warned=$(grep -c "warning: no figures" err)
verdict "without the renderer --figures is a warning" "$code $warned $(ls plain | grep -c figures)" "0 1 0"
cmp fitted/model.json plain/model.json && cmp fitted/weights.nii.gz plain/weights.nii.gz
verdict "figures change nothing of the result" $? 0
