# Ways to OpenGL: what BRAINMINE_RENDER asks for is what is used, or one line says why not.
. "$SRC/tests/cli/render/functions"
brain p
draw() { # OUT ASSIGNMENTS...: a picture in three dimensions; -v tells the way
    out=$1
    shift
    env "$@" "$BRAINMINE" render volume p/map.nii.gz --mask p/mask.nii.gz --size 400x300 -f -o "$out" -v \
        --progress never 2> all
    code=$?
    sed -n 's/^brainmine render: [0-9.]* s: \(draws through .*\)/\1/p' all > way
    grep -v '^brainmine render: [0-9.]* s: ' all > err
}
alike() { "$tools/compare_pictures" "$1" "$2" | awk '{ print ($2 < .2) }'; }
blind="LIBGL_DRIVERS_PATH=/nowhere __EGL_VENDOR_LIBRARY_FILENAMES=/nowhere"

draw egl.png BRAINMINE_RENDER=egl
verdict "egl: the software renderer" "$code $(grep -c '^draws through EGL without a surface: ' way)" "0 1"
draw unset.png BRAINMINE_RENDER=
verdict "unset: the same" "$code $(grep -c '^draws through EGL without a surface: ' way)" "0 1"
draw other.png BRAINMINE_RENDER=gpu:63
said "a card that is not there is one line" 1 "brainmine render: BRAINMINE_RENDER=gpu:63: EGL *"
verdict "and no picture, by no other way" "$(ls other.png 2> /dev/null; cat way)" ""
for wrong in gpu gpu: gpu:x gpu:-1 vulkan; do
    draw other.png BRAINMINE_RENDER=$wrong
    said "$wrong is refused" 2 "brainmine render: BRAINMINE_RENDER wants egl, gpu:N or xvfb, got '$wrong'*"
done
draw card.png BRAINMINE_RENDER=gpu:0
if [ $code = 0 ]; then
    verdict "gpu:0 is the first device of EGL" "$(grep -c '^draws through EGL without a surface, device 0: ' way)" 1
    verdict "and draws the same picture" "$("$tools/compare_pictures" egl.png card.png | awk '{ print ($2 < 1) }')" 1
else
    said "without any device, gpu:0 is one line" 1 "brainmine render: BRAINMINE_RENDER=gpu:0: EGL *"
fi
env BRAINMINE_RENDER=gpu:63 "$BRAINMINE" render slices p/map.nii.gz -o flat.png 2> err
code=$?
said "what needs no OpenGL does not ask for it" 0 ""
draw other.png BRAINMINE_RENDER=egl $blind
said "egl without a driver says what to install" 1 "brainmine render: no way to OpenGL (EGL *libgl1-mesa-dri*"
draw other.png $blind PATH=/nowhere
said "no way at all says what failed" 1 "brainmine render: no way to OpenGL (EGL *; Xvfb is not installed): install *"
draw other.png BRAINMINE_RENDER=xvfb PATH=/nowhere
said "xvfb where there is none" 1 "brainmine render: no way to OpenGL (Xvfb is not installed): install *"
if command -v Xvfb > /dev/null; then
    draw x.png BRAINMINE_RENDER=xvfb
    verdict "xvfb: a virtual X server" "$code $(grep -c '^draws through a virtual X server (Xvfb)$' way)" "0 1"
    verdict "and the same picture" "$(alike egl.png x.png)" 1
    draw next.png __EGL_VENDOR_LIBRARY_FILENAMES=/nowhere
    verdict "without EGL it comes next, and -v says why" \
        "$code $(grep -c '^draws through a virtual X server (Xvfb): EGL ' way) $(alike x.png next.png)" "0 1 1"
    draw other.png BRAINMINE_RENDER=xvfb LIBGL_DRIVERS_PATH=/nowhere
    said "an X server without OpenGL is no crash" 1 "brainmine render: no way to OpenGL (Xvfb has no OpenGL)*"
    DISPLAY=:4711 draw y.png BRAINMINE_RENDER=egl
    verdict "a DISPLAY that is not there is not asked" "$code $(cmp y.png egl.png && echo same)" "0 same"
else
    echo "skip the virtual X server: no Xvfb (package xvfb)"
fi
