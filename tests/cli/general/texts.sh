# Help and version: asked for, on stdout, exit 0, nothing on stderr; the same in any locale.
try() { # NAME PATTERN COMMAND...
    name=$1 pattern=$2
    shift 2
    "$@" > out 2> err
    code=$?
    case $(cat out) in $pattern) match=1 ;; *) match= ;; esac
    if [ $code = 0 ] && [ $match ] && [ ! -s err ]; then echo "ok $name"
    else echo "not ok $name (exit $code)"; cat out err | head -n 20 | sed 's/^/# /'; fi
}
try "--help" "usage: brainmine*version*" "$BRAINMINE" --help
try "-h" "usage: brainmine*" "$BRAINMINE" -h
try "help" "usage: brainmine*" "$BRAINMINE" help
try "help of a command" "usage: brainmine version*--threads*" "$BRAINMINE" help version
try "a command's --help" "usage: brainmine version*--dry-run*" "$BRAINMINE" version --help
try "--help wins over a missing input" "usage: *" "$BRAINMINE" version -h --log /nowhere/x
try "--version" "brainmine [0-9]*commit: *BLAS: *VTK: *" "$BRAINMINE" --version
try "version" "brainmine [0-9]*" "$BRAINMINE" version
built=no
[ ! -x "$(readlink -f "$BRAINMINE")-render" ] || built=yes
try "version says if there is a renderer" "*VTK: $built" "$BRAINMINE" version
try "a command's --version" "brainmine [0-9]*" "$BRAINMINE" help --version
try "--json is one document" '{*"command":*"version":*}' "$BRAINMINE" version --json
try "an option with a number under LC_ALL=fr_FR" '*"tolerance":*0.01*' \
    env LC_ALL=fr_FR.UTF-8 LANG=fr_FR.UTF-8 "$BRAINMINE" version --json --tolerance 0.01
try "a large seed is recorded to its last digit" '*"seed":*9007199254740993,*' \
    "$BRAINMINE" version --json --seed 9007199254740993
echo 'tolerance = 0.02' > c
try "the config file is read" '*"tolerance":*0.02*' "$BRAINMINE" version --json --config c
try "the command line wins" '*"tolerance":*0.03*' "$BRAINMINE" version --json --config c --tolerance 0.03
wide=$("$BRAINMINE" version --help | awk 'length > 80' | wc -l)
if [ "$wide" = 0 ]; then echo "ok help fits 80 columns"; else echo "not ok help fits 80 columns"; fi
later=$("$BRAINMINE" --help
    for c in help version decode simulate; do "$BRAINMINE" $c --help 2>/dev/null; done)
case $later in
    *searchlight* | *--permut* | *later*) echo "not ok help speaks of what there is" ;;
    *) echo "ok help speaks of what there is" ;;
esac
