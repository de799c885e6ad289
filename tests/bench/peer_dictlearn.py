"""nilearn's group decompositions on simulate rest; prints "cpu_s wall_s peak_mb", writes the maps.

usage: peer_dictlearn.py DIR DictLearning|CanICA MAPS.nii.gz     (DIR: brainmine simulate rest -o DIR)
Default parameters, 20 components, the phantom's mask, one thread. Exit 77: nilearn is not installed.
"""
import glob
import resource
import sys
import time

try:
    import nilearn.decomposition as decomposition
except ImportError:
    sys.exit(77)

folder, name, out = sys.argv[1:]
estimator = getattr(decomposition, name)(n_components=20, mask=folder + '/mask.nii.gz',
                                         random_state=0, n_jobs=1)
files = sorted(glob.glob(folder + '/sub-*_bold.nii.gz'))
wall, cpu = time.time(), time.process_time()
estimator.fit(files)
print('%.2f\t%.2f\t%.0f' % (time.process_time() - cpu, time.time() - wall,
                            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
estimator.components_img_.to_filename(out)
