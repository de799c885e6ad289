# simulate decode: the files and columns of the contract, shapes, seeds, threads, refusals, progress.
. "$SRC/tests/cli/decode/functions"
phantom p
verdict "files" "$(ls p | tr '\n' ' ')" \
    "bold.nii.gz mask.nii.gz model.json run.json samples.tsv truth.nii.gz truth_target.nii.gz "
value() { sed -n "s/^.*\"$2\":[[:space:]]*//p" "$1" | sed 's/,$//'; }
verdict "model.json holds the parameters" "$(for name in command shape voxels samples groups classes snr seed; do
    value p/model.json $name; done | tr '\n' ' ')" '"simulate decode" "12x14x10" 400 64 4 2 5 0 '
verdict "run.json holds the arguments" \
    "$(grep -c '"--voxels"' p/run.json) $(value p/run.json threads | grep -c .)" "1 1"
try "a phantom is no model" 3 'brainmine decode: p/model.json: field "format" is "brainmine phantom 1"*' \
    decode predict --from p p/bold.nii.gz
verdict "columns" "$(head -n 1 p/samples.tsv | tr '\t' ' ')" "label target run"
verdict "rows" "$(sed 1d p/samples.tsv | wc -l)" 64
verdict "labels are balanced" "$(column p/samples.tsv label | sort | uniq -c | awk '{ print $1 }' | sort -u)" 32
verdict "runs are contiguous and equal" \
    "$(column p/samples.tsv run | uniq -c | awk '{ printf "%s:%s ", $2, $1 }')" "0:16 1:16 2:16 3:16 "
for f in bold mask truth truth_target; do gzip -dc p/$f.nii.gz > $f.nii; done
dims() { od -An -td2 -j40 -N10 "$1" | tr -s ' '; }
verdict "shape of the images" \
    "$(dims bold.nii)$(dims mask.nii)$(dims truth.nii)" " 4 12 14 10 64 3 12 14 10 1 3 12 14 10 1"
verdict "the images are int16, the truth float32" \
    "$(for f in bold mask truth; do od -An -td2 -j70 -N2 $f.nii; done | tr -d ' \n')" 4416
"$tools/map_score" truth.nii truth.nii mask.nii > score
verdict "the truth lies in the mask" "$(column score off_mask) $(column score average_precision)" "0 1.000000"
for j in 1 2 4; do
    phantom t$j -j $j
    same_files p t$j
    verdict "$j threads, the same bytes" "$(cat differences)" ""
done
phantom s --seed 1
verdict "model.json holds the seed" "$(value s/model.json seed)" 1
verdict "another seed: other data, the same truth" "$(cmp -s p/bold.nii.gz s/bold.nii.gz && echo equal
    cmp p/truth.nii.gz truth.nii.gz 2> /dev/null; "$tools/compare_images" p/truth.nii.gz s/truth.nii.gz)" "0${tab}1"
phantom c --classes 5
verdict "five classes" "$(column c/samples.tsv label | sort -u | wc -l)" 5
verdict "five true maps" "$(gzip -dc c/truth.nii.gz > c.nii; dims c.nii)" " 4 12 14 10 5"
"$BRAINMINE" simulate decode -o loud --shape 12x14x10 --voxels 400 --samples 16 --groups 2 > out 2> err
verdict "one line on stderr, none on stdout" "$? $(wc -c < out) $(wc -l < err)" "0 0 1"
"$BRAINMINE" simulate -q -o bare --shape 12x14x10 --voxels 400 --samples 16 --groups 2 > out 2> err
verdict "the verb may be left out" "$? $(cmp bare/bold.nii.gz loud/bold.nii.gz 2>&1)" "0 "
"$BRAINMINE" simulate decode -n -o dry --shape 12x14x10 --voxels 400 > out 2> err
verdict "a dry run makes nothing and prints the plan" "$? $(ls -d dry 2> /dev/null) $(wc -l < out)" "0  1"
"$BRAINMINE" simulate decode --json -o json --shape 12x14x10 --voxels 400 --samples 16 --groups 2 > out 2> err
verdict "--json" \
    "$(grep -c '"command":.*"simulate decode"' out) $(grep -o '"json/[a-z_.]*"' out | wc -l) $(wc -c < err)" "1 7 0"

small='--shape 12x14x10 --voxels 400'
try "what exists stays" 4 'brainmine simulate: p/bold.nii.gz: exists (use --force)' simulate decode -o p $small
try "no output" 2 'brainmine simulate: an output directory is needed*' simulate decode $small
for option in shape=12x14 shape=axbxc shape=0x4x4 shape=-4x4x4 shape= voxels=0 samples=0 samples=1 groups=0 \
    classes=1 classes=13 \
    snr=nan snr=x; do
    refused "--$option" 2 'brainmine simulate: *' simulate decode $small "--$option"
done
refused "more voxels than the grid has" 2 'brainmine simulate: *' simulate decode --shape 12x14x10 --voxels 4000
refused "more groups than samples" 2 'brainmine simulate: *' simulate decode $small --samples 8 --groups 9
refused "more classes than samples" 2 'brainmine simulate: 12 classes of 8 samples: a class needs a sample' \
    simulate decode --samples 8 --classes 12
refused "also in a dry run" 2 'brainmine simulate: 12 classes of 8 samples*' \
    simulate decode -n --samples 8 --classes 12
for verb in rest connectome; do
    try "later: $verb" 2 "brainmine simulate: '$verb' is neither a verb*" simulate $verb -o later
done
refused "operands" 2 'brainmine simulate: *takes no operands*' simulate decode $small p/bold.nii.gz
refused "too little memory" 1 \
    'brainmine simulate: memory: needs 117.2 MiB beside * in use, limit 1.0 MiB (see --memory)' \
    simulate decode --memory 1M

# Progress away from a terminal: lines only for what lasts, unless asked for.
"$BRAINMINE" simulate decode -o short $small 2> err
verdict "nothing lasts, nothing is shown" "$(grep -c '%' err)" 0
"$BRAINMINE" simulate decode -q --progress always -o always $small 2> err
verdict "--progress always: each 10 % once" "$(cat err | tr '\n' ';')" \
    "$(for i in 1 2 3 4 5 6 7 8 9 10; do printf 'brainmine simulate: frames %d0 %%;' $i; done)"
"$BRAINMINE" simulate decode -o long -j 1 --samples 600 2> err &
pid=$!
before=$(date +%s%N)
n=0
while ! grep -q 'frames' err 2> /dev/null && kill -0 $pid 2> /dev/null && [ $n -lt 1200 ]; do sleep 0.05; n=$((n + \
    1)); done
ms=$((($(date +%s%N) - before) / 1000000))
kill $pid 2> /dev/null
wait $pid 2> /dev/null
if [ $ms -ge 1900 ]; then echo "ok the first line comes after 2 s"; else echo \
    "not ok the first line comes after $ms ms"; fi
verdict "what lasts is shown" "$(grep -c '^brainmine simulate: frames [1-9]0 %$' err | sed 's/[1-9]/some/')" some
