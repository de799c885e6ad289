# Files named by shared options that cannot be used: exit 3 for what is read, 4 for what is written.
try() { # NAME CODE PATTERN ARGS...
    name=$1 want=$2 pattern=$3
    shift 3
    "$BRAINMINE" "$@" > out 2> err
    code=$?
    case $(head -n 1 err) in $pattern) match=1 ;; *) match= ;; esac
    if [ $code = "$want" ] && [ $match ]; then echo "ok $name"
    else echo "not ok $name (exit $code)"; sed 's/^/# /' err; fi
}
ln -s nowhere dangling
ln -s loop loop
mkfifo pipe
try "a missing file" 3 "brainmine version: none: No such file or directory" version --config none
try "a dangling link" 3 "*dangling: dangling symbolic link to nowhere" version --config dangling
try "a loop of links" 3 "*loop: too many levels*" version --config loop
try "a directory" 3 "*: is a directory" version --config .
try "a FIFO" 3 "*pipe: is a FIFO*" version --config pipe
try "a name longer than PATH_MAX" 3 "*: File name too long" \
    version --config "$(printf '%05000d' 0)"
printf 'seed = 1\000' > nul
try "a NUL byte" 3 "*nul: NUL byte" version --config nul
try "a missing list of inputs" 3 "*list.txt: No such file*" help @list.txt
try "a log that cannot be written" 4 "*none/log: No such file*" version --log none/log
if [ "$(id -u)" != 0 ]; then
    echo 'seed = 1' > secret && chmod 0 secret
    try "an unreadable file" 3 "*secret: Permission denied" version --config secret
fi
