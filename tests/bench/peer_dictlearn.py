"""Group decompositions of peers on simulate rest; prints "name cpu_s wall_s peak_mb", writes the maps.

usage: peer_dictlearn.py DictLearning|CanICA MASK MAPS.nii.gz BOLD...
       peer_dictlearn.py explained MASK MAPS.nii.gz BOLD...
nilearn's estimators with default parameters, 20 components, one thread. Where nilearn is not installed, the same
work by scikit-learn, which does nearly all of nilearn's: smoothing (4 mm, CanICA 6), detrending, standardising,
20 principal components of each subject, canonical correlation, FastICA (cube; DictLearning 1 start, CanICA 10),
then dict_learning_online (alpha 10, batches of 20, one epoch, coordinate descent). "explained" prints the part of
the variance of these scans (detrended, standardised) that a projection on the maps explains, for maps of anyone.
Exit 77: nothing to compare with.
"""
import resource
import sys
import time

try:
    import nibabel
    import numpy as np
    from scipy.ndimage import gaussian_filter
    from sklearn.decomposition import dict_learning_online, fastica
except ImportError:
    sys.exit(77)
try:
    import nilearn.decomposition as decomposition
except ImportError:
    decomposition = None
K = 20


def series(path, mask, fwhm=0):
    """Frames x voxels of the mask: smoothed, detrended, standardised."""
    image = nibabel.load(path)
    data = np.asarray(image.dataobj, dtype=np.float32)
    if fwhm:
        sigma = fwhm / np.sqrt(8 * np.log(2)) / np.array(image.header.get_zooms()[:3])
        for t in range(data.shape[3]):
            data[..., t] = gaussian_filter(data[..., t], sigma, mode='constant', truncate=4)
    y = data[mask].T.astype(float)
    drift = np.c_[np.ones(len(y)), np.linspace(-1, 1, len(y))]
    y -= drift @ np.linalg.lstsq(drift, y, rcond=None)[0]
    return y / y.std(0)


def components(stack, starts):
    """Canonical correlation and independent components: canica."""
    rows = np.linalg.norm(stack, axis=1, keepdims=True)
    space = np.linalg.svd((stack / rows).T, full_matrices=False)[0][:, :K].T
    best = None
    for seed in range(starts):
        maps = fastica(space.T, whiten='arbitrary-variance', fun='cube', random_state=seed)[2].T
        size = np.abs(maps).sum(1).max()
        if best is None or size < best[0]:
            best = size, maps
    maps = best[1]
    return np.where(np.abs(maps) > np.percentile(np.abs(maps), 100 - 100 / K), maps, 0)


def fit(name, mask, files):
    stack = []
    for path in files:
        y = series(path, mask, 4 if name == 'DictLearning' else 6)
        u, s, v = np.linalg.svd(y, full_matrices=False)
        stack.append(s[:K, None] * v[:K])
    stack = np.concatenate(stack)
    if name == 'CanICA':
        return components(stack, 10)
    first = components(stack, 1)
    first /= np.maximum((first ** 2).sum(1, keepdims=True), 1e-12)
    load = np.linalg.solve(first @ first.T + 1e-8 * np.eye(K), first @ stack.T)
    load /= np.maximum(np.linalg.norm(load, axis=1, keepdims=True), 1e-12)
    code = dict_learning_online(stack.T, K, alpha=10, batch_size=20, method='cd', dict_init=load, shuffle=True,
                                n_iter=(stack.shape[1] - 1) // 20 + 1, return_code=True, random_state=0)[0]
    return code.T


def explained(maps, mask, files):
    """1 - |Y - Y V (V'V)^+ V'|^2 / |Y|^2, mean over scans."""
    basis = np.linalg.svd(maps[np.abs(maps).sum(1) > 0].T, full_matrices=False)[0]
    parts = []
    for path in files:
        y = series(path, mask)
        parts.append(((y @ basis) ** 2).sum() / (y ** 2).sum())
    return np.mean(parts)


def main():
    name, mask_path, out, files = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    mask_image = nibabel.load(mask_path)
    mask = np.asarray(mask_image.dataobj) > 0
    if name == 'explained':
        maps = np.asarray(nibabel.load(out).dataobj, dtype=float)[mask].T
        print('%.5f' % explained(maps, mask, files))
        return
    wall, cpu = time.time(), time.process_time()
    if decomposition:
        estimator = getattr(decomposition, name)(n_components=K, mask=mask_path, random_state=0, n_jobs=1)
        estimator.fit(files)
        image = estimator.components_img_
    else:
        maps = fit(name, mask, files)
        data = np.zeros(mask.shape + (K,), np.float32)
        data[mask] = maps.T
        image = nibabel.Nifti1Image(data, mask_image.affine)
    print('%s.%s\t%.2f\t%.2f\t%.0f' % ('nilearn' if decomposition else 'scikit-learn', name,
                                       time.process_time() - cpu, time.time() - wall,
                                       resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
    image.to_filename(out)


main()
