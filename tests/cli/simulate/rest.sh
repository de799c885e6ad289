# simulate rest: files, shapes, truth, seeds, threads, refusals.
. "$SRC/tests/cli/decode/functions"
rest() {
    dir=$1
    shift
    "$BRAINMINE" simulate rest -q -o "$dir" --preset cube24 --shape 16x14x12 --subjects 3 --frames 20 "$@" ||
        echo "not ok rest $dir"
}
rest p
verdict "files" "$(cd p && find . -type f | sort | tr '\n' ' ')" "./mask.nii.gz ./model.json ./run.json \
./sub-01_bold.nii.gz ./sub-02_bold.nii.gz ./sub-03_bold.nii.gz ./truth/sub-01_maps.nii.gz \
./truth/sub-01_timeseries.tsv ./truth/sub-02_maps.nii.gz ./truth/sub-02_timeseries.tsv \
./truth/sub-03_maps.nii.gz ./truth/sub-03_timeseries.tsv ./truth_atlas.nii.gz "
for f in p/sub-01_bold p/truth_atlas p/truth/sub-02_maps; do gzip -dc $f.nii.gz > ${f##*/}.nii; done
dims() { od -An -td2 -j40 -N10 "$1" | tr -s ' '; }
verdict "shapes" "$(dims sub-01_bold.nii)$(dims truth_atlas.nii)$(dims sub-02_maps.nii)" \
    " 4 16 14 12 20 4 16 14 12 5 4 16 14 12 5"
verdict "time courses" \
    "$(head -n 1 p/truth/sub-01_timeseries.tsv | tr '\t' ' ') $(sed 1d p/truth/sub-01_timeseries.tsv | wc -l)" \
    "comp-001 comp-002 comp-003 comp-004 comp-005 20"
rest t -j 3
same_files p t
verdict "3 threads, the same bytes" "$(cat differences)" ""
rest s --seed 1
verdict "another seed: other subjects, the same blobs" "$(cmp -s p/sub-01_bold.nii.gz s/sub-01_bold.nii.gz && echo equal
    "$tools/compare_images" p/truth_atlas.nii.gz s/truth_atlas.nii.gz | cut -f 1)" 0
rest more --subjects 4
gzip -dc more/sub-03_bold.nii.gz | tail -c 100000 > a
gzip -dc p/sub-03_bold.nii.gz | tail -c 100000 > b
verdict "a subject does not depend on how many there are" "$(cmp a b 2>&1)" ""
rest still --shift 0 --noise 0
"$tools/atlas_score" still/truth_atlas.nii.gz still/truth/sub-01_maps.nii.gz still/mask.nii.gz > score
verdict "without shifts the subjects' maps are the atlas's" "$(column score mean)" 1.000000
rest many -k 12 --shape 30x30x20
"$BRAINMINE" simulate rest -n -o dry --preset rest10 > out
verdict "a dry run makes nothing and prints the plan" "$(ls -d dry 2> /dev/null) $(cat out)" \
    " make 10 subjects x 150 volumes of 25004 voxels with 20 maps"
for option in shape=12x14 subjects=0 frames=1 k=0 noise=-1 shift=x preset=none; do
    refused "--$option" 2 'brainmine simulate: *' simulate rest "--$option"
done
refused "no room for the blobs" 2 'brainmine simulate: no room for 400 blobs*' simulate rest -q --shape 8x8x8 -k 400
