# --version loads nothing slow: the median of 15 starts is under 10 ms (100 under a sanitizer).
limit=10000
[ -n "$SAN" ] && limit=100000
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    a=$(date +%s%N)
    "$BRAINMINE" --version > out
    b=$(date +%s%N)
    echo $(((b - a) / 1000))
done | sort -n > times
median=$(sed -n 8p times) # the start of date(1) is in it
if [ "$median" -lt $limit ]; then echo "ok starts in under $((limit / 1000)) ms"
else echo "not ok starts in under $((limit / 1000)) ms: $median us"; fi
