# Standard descriptors that are closed, full, or gone (reliability 5.2, rows 141 and 142).
verdict() { if [ "$2" = "$3" ]; then echo "ok $1"; else echo "not ok $1: $2, wanted $3"; fi; }

"$BRAINMINE" version > /dev/full 2> err
verdict "a full device is exit 4" "$? $(grep -c '^brainmine version: standard output: No space' err)" "4 1"
"$BRAINMINE" --help > /dev/full 2> err
verdict "a full device under --help is exit 4" $? 4

tiny="simulate decode --shape 10x10x8 --voxels 100 --samples 16 --groups 2"
"$BRAINMINE" $tiny -o one <&- >&- 2>&-
verdict "all three closed" "$? $(ls one | wc -l)" "0 7"
"$BRAINMINE" version >&- 2> err
verdict "a result for an output that is closed is exit 4" "$? $(grep -c 'standard output' err)" "4 1"
"$BRAINMINE" $tiny -o two --log log <&- >&- 2>&- && "$BRAINMINE" version --bad <&- >&- 2>&-
verdict "closed, with a message" $? 2
verdict "no message went into a data file" "$(grep -vc ': wrote ' log) $(cksum < one/bold.nii.gz)" \
    "0 $(cksum < two/bold.nii.gz)"

# More than a pipe holds, to a reader that leaves at once.
mkfifo gate
{ "$BRAINMINE" --_complete zsh; echo $? > code; } 2> err | sed q > /dev/null
case $(cat code) in 0 | 141) quiet=yes ;; *) quiet=no ;; esac
verdict "a reader that leaves is no error" "$quiet $(wc -c < err)" "yes 0"
(exec 3> gate; "$BRAINMINE" version >&3 2> err; echo $? > code) &
exec 4< gate; exec 4<&-
wait
case $(cat code) in 0 | 141) quiet=yes ;; *) quiet=no ;; esac
verdict "a pipe without reader ends it as filters do" "$quiet $(wc -c < err)" "yes 0"
