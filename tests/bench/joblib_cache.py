"""What bench_cache.sh measures of joblib.Memory; prints "NAME VALUE ..." as cache_step does.

usage: joblib_cache.py DIR hash|first|hit|small N|value FILE|flip|nowhere
hash, first, hit: 1 GiB in, 1 GiB out, without the time of the function itself.
small: N results of 8 bytes, kept then found. value: one slow value, a line in FILE per computation.
flip: eight bytes of a stored array flipped, then asked for. Exit 77: joblib is not installed.
"""
import glob
import os
import sys
import time

try:
    import joblib
    import numpy as np
except ImportError:
    sys.exit(77)

folder, what = sys.argv[1:3]
memory = None if what in ('hash', 'nowhere') else joblib.Memory(folder, verbose=0)
inside = [0.0, 0.0]


def now():
    return np.array([time.perf_counter(), time.process_time()])


def negative(x):
    begun = now()
    y = -x
    inside[:] = now() - begun
    return y


def number(i):
    return np.full(1, i)


def slow(i, path):
    time.sleep(2)
    with open(path, 'a') as log:
        log.write('computed\n')
    return i


def timed(call):
    begun = now()
    call()
    took = now() - begun - inside
    print('get_s %.6f get_cpu_s %.6f' % tuple(took))


if what in ('hash', 'first', 'hit'):
    x = np.random.default_rng(0).integers(0, 2 ** 62, 2 ** 27)
    timed((lambda: joblib.hash(x)) if what == 'hash' else (lambda: memory.cache(negative)(x)))
elif what == 'small':
    kept = memory.cache(number)
    timed(lambda: [kept(i) for i in range(int(sys.argv[3]))])
elif what == 'value':
    memory.cache(slow, ignore=['path'])(1, sys.argv[3])
elif what == 'flip':
    kept, x = memory.cache(negative), np.arange(1000.)
    kept(x)
    path, = glob.glob(folder + '/**/negative/*/output.pkl', recursive=True)
    with open(path, 'r+b') as file:
        file.seek(os.path.getsize(path) // 2)
        old = file.read(8)
        file.seek(-8, 1)
        file.write(bytes(255 - b for b in old))
    print('right' if (kept(x) == -x).all() else 'wrong, silently')
else:
    joblib.Memory('/dev/null/cache', verbose=0).cache(number)(1)
    print('computed')
