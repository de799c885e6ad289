# --dry-run checks all inputs and says what would be drawn, and draws nothing: no OpenGL is needed.
. "$SRC/tests/cli/render/functions"
brain p
no_opengl() { env LIBGL_DRIVERS_PATH=/nowhere __EGL_VENDOR_LIBRARY_FILENAMES=/nowhere PATH=/nowhere "$@"; }
for view in $views; do
    no_opengl "$BRAINMINE" render $view $(file_of $view) -n -o no.png --size 900x700 --progress never > out 2> err
    verdict "$view is planned, not drawn" "$? $(cat err | wc -c) $(sed -n 1p out) $(ls | grep -c no.png)" \
        "0 0 draw $view of $(file_of $view | cut -d ' ' -f 1), 900x700 pixels, to no.png 0"
done
says() { # NAME PATTERN ARGS...
    name=$1 pattern=$2
    shift 2
    "$BRAINMINE" render "$@" -n -o no.png > out 2> err
    verdict "$name" "$(grep -c "$pattern" out)" 1
}
says "the plan has the cuts" "cuts in mm: y = 2, x = 1, z = 3" slices p/map.nii.gz --cuts 1,2,3
says "the plan has the size of the graph" "12 nodes, .* edges" graph p/edges.tsv --nodes p/nodes.tsv
says "the plan says what the brain is" "brain: generated" glass p/map.nii.gz
says "the plan says what the brain is made of" "brain: of --mask" volume p/map.nii.gz -m p/mask.nii.gz
"$BRAINMINE" render matrix p/matrix.tsv -n -o no.png --json > out
verdict "--json has the plan" "$(grep -c '"plan":.*12 x 12 numbers' out)" 1
refused() { # NAME CODE PATTERN ARGS...
    name=$1 want=$2 pattern=$3
    shift 3
    "$BRAINMINE" render "$@" -n -o no.png > out 2> err
    code=$?
    said "$name" "$want" "$pattern"
}
refused "a dry run finds a missing map" 3 "*none.nii: *No such file*" slices none.nii
refused "a dry run finds a missing mask" 3 "*none.nii: *No such file*" glass p/map.nii.gz -m none.nii
refused "a dry run finds volumes in time" 3 "*16 volumes in time*" volume p/bold.nii.gz
refused "a dry run finds missing cuts" 2 "*three numbers x,y,z*" slices p/map.nii.gz --cuts 1,2
printf 'one\ntwo\n' > names.txt
refused "a dry run finds a bad table of names" 3 "*names.txt: 2 names for 1 regions*" \
    slices p/mask.nii.gz --names names.txt --labels fill
touch no.png
refused "a dry run finds that the output exists" 4 "*no.png: exists*" slices p/map.nii.gz
# Of a fit: pictures of files that are not written yet.
"$BRAINMINE" decode fit -n --figures --model svm -s p/samples.tsv -t label -g run -m p/mask.nii.gz -o new \
    p/bold.nii.gz > out 2> err
verdict "a plan names the figures of a fit" "$(sed -n 's/^draw \([^,]*\),.*/\1/p' out | tr '\n' ' ')$(ls -d new 2>&-)" \
    "figures/slices.png figures/glass.png figures/confusion.png "
