# Every view makes a picture: without a display, a home or a GPU, the same bytes each time.
. "$SRC/tests/cli/render/functions"
brain p
for view in $views; do
    "$BRAINMINE" render $view $(file_of $view) -o a.png --size 500x400 --progress never > out 2> err
    verdict "$view draws, and says nothing" "$? $(cat out err | wc -c) $(is_png a.png && echo png)" "0 0 png"
    env -i "$BRAINMINE" render $view $(file_of $view) -q -j 1 -o b.png --size 500x400 2> err
    cmp a.png b.png > out 2>&1
    verdict "$view gives the same bytes without an environment and with one thread" "$?$(cat out err)" 0
    rm -f a.png b.png
done

# Text comes in its real font here: -vv says where each label lies, without drawing.
"$tools/change_image" p/map.nii.gz regions.nii fill=0
awk 'BEGIN { for (i = 1; i <= 40; i++) printf "%d\tr\303\251gion num\303\251ro %d\n", i, i }' > regions.tsv
awk 'BEGIN { for (i = 0; i < 40; i++) for (j = 0; j < 2; j++) for (k = 0; k < 2; k++)
    printf "set=%d,%d,%d,0,%d\n", 4 + 2 * (i % 8) + j, 5 + 3 * int(i / 8) + k, 10, i + 1 }' |
    xargs "$tools/change_image" regions.nii atlas.nii
mv regions.tsv atlas.tsv
title=$(printf 'Titel von L\303\244nge: what is seen here, and why it matters to \317\207\302\262')
meets() { # SIZE < -vv: true if a label leaves the sheet, or meets another, or there are under 4
    sed -n 's/.*label at \([-0-9 ]*\):.*/\1/p' | awk -v size=$1 '
        { split(size, s, "x"); x[NR] = $1; y[NR] = $2; w[NR] = $3; h[NR] = $4
          if ($1 < 0 || $2 < 0 || $1 + $3 > s[1] || $2 + $4 > s[2]) bad++
          for (i = 1; i < NR; i++)
              if ($1 < x[i] + w[i] && x[i] < $1 + $3 && $2 < y[i] + h[i] && y[i] < $2 + $4) bad++ }
        END { exit !(bad > 0 || NR < 4) }'
}
wrong=
for view in $views; do
    for size in 400x300 1000x800 4000x3000 400x1200; do
        "$BRAINMINE" render $view $(file_of $view) -n -o no.png --size $size -vv --title "$title" \
            > out 2> err
        meets $size < err && wrong="$wrong $view-$size"
        case $view in graph | matrix) continue ;; esac
        "$BRAINMINE" render $view atlas.nii --labels fill -n -o no.png --size $size -vv > out 2> err
        meets $size < err && wrong="$wrong atlas-$view-$size"
    done
done
verdict "no text is cut or covered from 400x300 to 4000x3000" "$wrong" ""
"$BRAINMINE" render glass atlas.nii --labels fill -n -o no.png -vv > out 2> err
verdict "a table beside the atlas gives the legend" "$(grep -c 'label at.*gion num' err)" 40
"$BRAINMINE" render glass atlas.nii --labels fill -n -o no.png -vv --size 400x300 > out 2> err
verdict "a legend without room counts the rest" \
    "$(($(grep -c 'label at.*gion num' err) + $(sed -n 's/.*label at.*: and \([0-9]*\) more/\1/p' err)))" 40

mkdir free
for i in 1 2 3 4; do
    (ulimit -v 2000000; exec "$BRAINMINE" render volume p/map.nii.gz --mask p/mask.nii.gz -j 1 -o free/$i.png) &
done 2> err
wait
if [ -n "$SAN" ]; then echo "skip four at once within 2 GB: sanitizers need more"
else
    "$BRAINMINE" render volume p/map.nii.gz --mask p/mask.nii.gz -o one.png --progress never
    same=0
    for i in 1 2 3 4; do cmp -s one.png free/$i.png && same=$((same + 1)); done
    verdict "four at once within 2 GB of addresses each draw the same" $same 4
fi

if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
    chmod -R a+rX ../work p && chmod a+x ..
    (unset HOME XDG_CACHE_HOME
     setpriv --reuid=65534 --regid=65534 --clear-groups \
        "$BRAINMINE" render volume p/map.nii.gz --mask p/mask.nii.gz -q -o - > nobody.png 2> err)
    if grep -q 'Permission denied\|not installed' err; then
        echo "skip a user without a home draws: cannot reach the program"
    else
        "$BRAINMINE" render volume p/map.nii.gz --mask p/mask.nii.gz -f -o one.png --progress never
        cmp one.png nobody.png > out 2>&1
        verdict "a user without a home draws the same" "$?$(cat err)" 0
    fi
fi
