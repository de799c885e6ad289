#!/bin/sh
# The cache beside joblib.Memory, one thread each: seconds on the wall and of the CPU, joblib's over
# ours as the ratio. Then what each makes of a crowd, of damage and of a place where no cache can be;
# and how long 100,000 entries take to trim, beside find -delete, which is the file system's share,
# here and, where that may be mounted, on a new ext4.
# Wants 5 GiB of disk under TMPDIR.
set -e
cd "$(dirname "$0")/../.."
: "${BUILD:=build/release}" "${PYTHON:=/usr/bin/python3}"
make --no-print-directory -s "$BUILD/tools/cache_step"
tool=$(cd "$BUILD" && pwd)/tools/cache_step peer=$PWD/tests/bench/joblib_cache.py
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
bytes=1073741824
head -c $bytes /dev/urandom > input
sleep 3 # inputs are remembered once they are older than that
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export OMP_NUM_THREADS OPENBLAS_NUM_THREADS
joblib() { "$PYTHON" "$peer" "$work/joblib" "$@" 2> err || echo "exit $?: $(tail -n 1 err)"; }
ours() { "$tool" "$work/cache" run "$@"; }
row() { # NAME OURS THEIRS: lines NAME VALUE ...; put is added to get
    printf '%s\n%s\n' "$2" "$3" | awk -v OFS='\t' -v name="$1" '
        { for (i = 1; i < NF; i++) if ($i ~ /^(get|put)_(cpu_)?s$/) t[NR, $i ~ /cpu/] += $(i + 1) }
        function ratio(k) { return (2, k) in t ? sprintf("%.1f", t[2, k] / t[1, k]) : "n/a" }
        function shown(n, k) { return (n, k) in t ? sprintf("%.4f", t[n, k]) : "n/a" }
        END { print name, shown(1, 0), shown(2, 0), ratio(0), shown(1, 1), shown(2, 1), ratio(1) }'
}
printf 'what\twall_s\tjoblib_wall_s\tratio\tcpu_s\tjoblib_cpu_s\tratio\n'
hash=$(joblib hash) first=$(joblib first) hit=$(joblib hit)
rm -rf joblib
row "hash of 1 GiB" "$(ours input=input bytes=8 sync=0)" "$hash"
rm -rf cache
row "first call, 1 GiB in and out, synced" "$(ours input=input bytes=$bytes)" "$first"
rm -rf cache
row "first call, 1 GiB in and out" "$(ours input=input bytes=$bytes sync=0)" "$first"
ours input=input bytes=$bytes > warm
row "hit, input unchanged, verified" "$(ours input=input bytes=$bytes)" "$hit"
touch input
row "hit, input read again, verified" "$(ours input=input bytes=$bytes)" "$hit"
rm -rf cache
kept=$(joblib small 300) found=$(joblib small 300)
row "300 small results kept, synced" "$(ours count=300 bytes=8)" "$kept"
rm -rf cache
row "300 small results kept" "$(ours count=300 bytes=8 sync=0)" "$kept"
row "300 small results found" "$(ours count=300 bytes=8)" "$found"

printf 'what\tbrainmine\tjoblib\n'
for i in 1 2 3 4 5 6 7 8; do
    "$tool" cache run first=5000 cost_ms=2000 log=ours.log > said$i &
done
wait
for i in 1 2 3 4 5 6 7 8; do joblib value "$work/joblib.log" & done
wait
touch joblib.log
printf 'eight processes ask for one value\tcomputed %s times\tcomputed %s times\n' \
    "$(wc -l < ours.log)" "$(wc -l < joblib.log)"
rm -rf cache
"$tool" cache run first=6000 bytes=8000 > said
entry=$(find cache/v1/obj -name '*.bmc')
chmod u+w "$entry"
printf '\377\377\377\377\377\377\377\377' | dd of="$entry" bs=1 seek=4000 conv=notrunc 2> err
chmod u-w "$entry"
"$tool" cache run first=6000 bytes=8000 > said 2> err
printf 'eight bytes of a stored array flipped\t%s\t%s\n' \
    "$(awk '{ print /wrong 0$/ && /damaged 1 / ? "noticed, computed again" : "not noticed" }' said)" \
    "$(joblib flip)"
"$tool" /dev/null/cache run > said 2> err && ours=computed || ours="exit $?"
printf 'a cache that cannot be made\t%s\t%s\n' "$ours" "$(joblib nowhere)"

rm -rf cache joblib input
discards() { awk '{ n += $15 } END { print n + 0 }' /proc/diskstats; }
fill() { # and sync, so that deleting alone is measured
    "$tool" cache run count=100000 bytes=8 sync=0 limit=100000000000 > said
    sync
}
trimming() { # WHERE
    fill
    before=$(discards)
    trimmed=$("$tool" cache trim keep=0 threads=2 | awk '{ print $NF }')
    after=$(discards)
    fill
    begun=$(date +%s%N)
    find cache/v1/obj -name '*.bmc' -delete
    printf 'trimming 100,000 entries %s\t%s s\t%s s\t%s\n' "$1" "$trimmed" \
        "$(echo "$begun $(date +%s%N)" | awk '{ printf "%.3f", ($2 - $1) / 1e9 }')" \
        $((after - before))
}
printf 'what\tbrainmine\tfind -delete\tdiscards that the disk was asked for\n'
trimming "on this disk"
# A file system mounted "discard" asks the disk at each file, without a journal one by one, and is
# then as slow as the disk: so also as mkfs and mount make one by default.
truncate -s 2G image
mkfs.ext4 -q image && mkdir disk && mount -o loop image disk || exit 0
trap 'cd /; umount "$work/disk"; rm -rf "$work"' EXIT
cd disk
trimming "on a new ext4"
