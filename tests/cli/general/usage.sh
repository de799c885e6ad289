# Wrong usage is exit 2 with one line that says why, and one of advice; nothing on stdout.
try() { # NAME PATTERN ARGS...
    name=$1 pattern=$2
    shift 2
    "$BRAINMINE" "$@" > out 2> err
    code=$?
    said=$(head -n 1 err)
    case $said in $pattern) match=1 ;; *) match= ;; esac
    if [ $code = 2 ] && [ $match ] && [ ! -s out ] && [ "$(wc -l < err)" -le 2 ]; then echo "ok $name"
    else echo "not ok $name (exit $code)"; sed 's/^/# /' err; fi
}
try "an unknown command" "brainmine: unknown command 'versoin'; the nearest is 'version'" versoin
try "an unknown option before the command" "brainmine: unknown option '--frob'*" --frob
try "an unknown option" "brainmine version: unknown option '--jsn'; the nearest is '--json'" version --jsn
try "no abbreviations" "*unknown option '--thre'; the nearest is '--threads'" version --thre 2
try "a missing value" "*--threads wants a value (N)" version --threads
try "an option as a value" "*--log wants a value, got the option '--json'*" version --log --json
try "an empty value" "*--log wants a value, got ''" version --log=
try "a negative number" "*--tolerance wants a number in (0, 1), got '-1'" version --tolerance -1
try "not a number" "*--tolerance wants a number in (0, 1), got 'nan'" version --tolerance nan
try "infinity" "*--tolerance wants a number in (0, 1), got 'inf'" version --tolerance=inf
try "a huge number" "*--tolerance wants*got '1e999'" version --tolerance 1e999
try "a huge whole number" "*--seed wants*got '99999999999999999999'" version --seed 99999999999999999999
try "no threads" "*--threads wants a whole number in \[1, 1024], got '0'" version -j0
try "a bad size" "*--memory wants a size such as 500M or 8G, got 'lots'" version --memory lots
try "a bad choice" "*--progress wants one of auto, always, never, got 'maybe'" version --progress maybe
try "a flag and its opposite" "*both --json and --no-json are given" version --json --no-json
try "operands where none are taken" "*takes no operands, got 'x'" version x
try "control characters stay on one line" "*takes no operands, got 'a\\\\x0ab'" version "a
b"
try "help of no command" "*'frob' is not a command" help frob
try "stdout wanted twice" "*both want standard output" version --json -o -
BRAINMINE_THREADS=x try "bad BRAINMINE_THREADS" "*BRAINMINE_THREADS wants*got 'x'" version
echo 'colour = yes' > config
try "an unknown name in the config file" "*config:1: unknown option 'colour'*" version --config config
echo '--seed = 1' > config
try "a name with dashes in the config file" "*config:1: names stand without dashes, got '--seed'" \
    version --config config
printf '\357\273\277seed = x\n' > config
try "a byte order mark in the config file is no part of a name" \
    "*config:1: --seed wants*got 'x'" version --config config
printf '\357\273\277# a comment\n\nx\n' > list
try "comments and a byte order mark in a list" "*takes no operands, got 'x'" version @list
if "$BRAINMINE" version --config /dev/null > out 2> err && [ -s out ]; then echo "ok --config /dev/null"
else echo "not ok --config /dev/null: $(cat err)"; fi
