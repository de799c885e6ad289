#!/bin/sh
# The examples of the manual and of the README run as they are printed, page by page, each page in
# a folder of its own: literal displays in EXAMPLES, and ```sh blocks after <!-- run -->.
cd "$(dirname "$0")/.." || exit 1
: "${BRAINMINE:=$PWD/brainmine}"
work=$(mktemp -d "${TMPDIR:-/tmp}/brainmine-examples-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$(readlink -f "$BRAINMINE")" "$work/bin/brainmine"
PATH=$work/bin:$PATH
export HOME="$work" XDG_CACHE_HOME="$work/.cache"

of_page() {
    awk '
        /^\.Sh / { inside = $2 == "EXAMPLES" }
        !inside { next }
        /^\.Bd -literal/ { literal = 1; next }
        /^\.Ed/ { literal = 0; next }
        /^\.Dl / { sub(/^\.Dl /, ""); print; next }
        literal { print }' "$1" | sed 's/\\&//g; s/\\-/-/g; s/\\e/\\/g; s/\\(aq/'"'"'/g'
}
of_readme() {
    awk '/^<!-- run -->/ { run = 1; next } /^```sh/ && run { on = 1; next }
         /^```/ { on = run = 0 } on' "$1"
}
for page in man/*.1 README.md; do
    name=${page##*/}
    mkdir "$work/$name"
    case $page in
        *.md) of_readme "$page" ;;
        *) of_page "$page" ;;
    esac > "$work/$name.sh"
    if [ "$name" = brainmine-render.1 ] && [ ! -x "$(readlink -f "$BRAINMINE")-render" ]; then
        echo "skip the examples of $name run: no renderer (VTK is not installed)"
    elif [ ! -s "$work/$name.sh" ]; then
        echo "not ok $name has examples"
    elif (cd "$work/$name" && timeout 600 sh -e "../$name.sh" > ../said 2>&1 < /dev/null); then
        echo "ok the examples of $name run"
    else
        echo "not ok the examples of $name run"
        tail -n 15 "$work/said" | sed 's/^/# /'
    fi
done
