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

# Text comes in its real font here: -vv says where each label lies.
wrong=
for view in $views; do
    for size in 400x300 800x1000 4000x3000; do
        case $view-$size in surface-4000x3000 | glass-4000x3000 | slices-4000x3000) continue ;; esac
        "$BRAINMINE" render $view $(file_of $view) -f -o big.png --size $size -vv \
            --title "A title of some length about what is seen in this figure and why it matters" 2> err
        sed -n 's/.*label at \([-0-9 ]*\):.*/\1/p' err | awk -v size=$size '
            { split(size, s, "x"); x[NR] = $1; y[NR] = $2; w[NR] = $3; h[NR] = $4
              if ($1 < 0 || $2 < 0 || $1 + $3 > s[1] || $2 + $4 > s[2]) bad++
              for (i = 1; i < NR; i++)
                  if ($1 < x[i] + w[i] && x[i] < $1 + $3 && $2 < y[i] + h[i] && y[i] < $2 + $4) bad++ }
            END { exit bad > 0 || NR < 4 }' || wrong="$wrong $view-$size"
    done
done
verdict "no text is cut or covered from 400x300 to 4000x3000" "$wrong" ""

mkdir free
for i in 1 2 3 4; do
    (ulimit -v 2000000; exec "$BRAINMINE" render volume p/map.nii.gz --mask p/mask.nii.gz -j 1 -o free/$i.png) &
done 2> err
wait
if [ -n "$SAN" ]; then echo "skip four at once within 2 GB: sanitizers need more"
else
    "$BRAINMINE" render volume p/map.nii.gz --mask p/mask.nii.gz -o one.png
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
        "$BRAINMINE" render volume p/map.nii.gz --mask p/mask.nii.gz -f -o one.png
        cmp one.png nobody.png > out 2>&1
        verdict "a user without a home draws the same" "$?$(cat err)" 0
    fi
fi

"$BRAINMINE" render surface p/map.nii.gz --mask p/mask.nii.gz --size 400x300 -f -o egl.png -v 2> err
verdict "-v says by which way it draws" "$(grep -c 'draws through EGL' err)" 1
if command -v Xvfb > /dev/null; then
    BRAINMINE_RENDER=xvfb "$BRAINMINE" render surface p/map.nii.gz --mask p/mask.nii.gz --size 400x300 \
        -f -o x.png -v 2> err
    verdict "-v says that it draws through Xvfb" "$(grep -c 'virtual X server' err)" 1
    verdict "both ways give one picture" "$("$tools/compare_pictures" egl.png x.png | awk '{ print ($2 < .2) }')" 1
else
    echo "skip both ways give one picture: no Xvfb (package xvfb)"
fi
