"""joblib.Memory at what bench_cache does: joblib_peer.py DIR MB | DIR one MS | DIR flip | FILE bad."""
import glob
import os
import sys
import time

import numpy
from joblib import Memory, hash as digest


def double(x):
    return 2 * x


def slow(ms):
    print("computed", flush=True)
    time.sleep(ms / 1000)
    return 42


where, what = sys.argv[1:3]
memory = Memory(where, verbose=0)
if what == "one":
    assert memory.cache(slow)(int(sys.argv[3])) == 42
elif what == "flip":  # eight bytes of a stored array
    f = memory.cache(double)
    x = numpy.arange(100000.0)
    right = f(x)
    path = glob.glob(where + "/joblib/**/output.pkl", recursive=True)[0]
    with open(path, "r+b") as stored:
        stored.seek(os.path.getsize(path) // 2)
        stored.write(b"\xff" * 8)
    print("found" if (memory.cache(double)(x) == right).all() else "served")
elif what == "bad":
    print("survived" if memory.cache(slow)(0) == 42 else "wrong")
else:
    x = numpy.arange(int(what) << 17, dtype=float)
    begun = time.process_time()
    digest(x)
    hashed = time.process_time() - begun
    begun = time.process_time()
    double(x)
    raw = time.process_time() - begun
    f = memory.cache(double)
    begun = time.process_time()
    f(x)
    first = time.process_time() - begun
    begun = time.process_time()
    f(x)
    print("%.3f %.3f %.3f %.3f" % (raw, first, time.process_time() - begun, hashed))
