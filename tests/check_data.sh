#!/bin/sh
# data/ holds what the project generates, and nothing else: each file stands in data/MANIFEST.tsv with
# its digest and how it is made. check_data.sh remake: write the digests anew.
cd "$(dirname "$0")/.." || exit 1
manifest=data/MANIFEST.tsv
files=$(find data -type f ! -name MANIFEST.tsv ! -name '*.sh' | LC_ALL=C sort)
if [ "$1" = remake ]; then
    for file in $files; do
        recipe=$(awk -F'\t' -v f="$file" '$1 == f { print $3 }' $manifest)
        printf '%s\t%s\t%s\n' "$file" "$(sha256sum < "$file" | cut -d ' ' -f 1)" "$recipe"
    done > $manifest.new
    { printf 'file\tsha256\trecipe\n'; cat $manifest.new; } > $manifest
    rm $manifest.new
fi
verdict() { # NAME PROBLEMS
    if [ -z "$2" ]; then echo "ok $1"; else
        echo "not ok $1"
        printf '# %s\n' $2
    fi
}
listed=$(awk -F'\t' 'NR > 1 { print $1 }' $manifest)
verdict "every file of data/ is in its manifest, and there" \
    "$(printf '%s\n' $files $listed | LC_ALL=C sort | uniq -u)"
wrong=
for file in $listed; do
    want=$(awk -F'\t' -v f="$file" '$1 == f { print $2 }' $manifest)
    [ "$(sha256sum < "$file" | cut -d ' ' -f 1)" = "$want" ] || wrong="$wrong $file"
done
verdict "each has the digest of its row" "$wrong"
verdict "each row says how the file is made" "$(awk -F'\t' 'NR > 1 && $3 == "" { print $1 }' $manifest)"
verdict "golden files are small" "$(find data/golden -size +100k)"
