"""The same work by the peers that researchers use today; prints "name cpu_seconds value".

usage: peer.py DIR tvfit|svm     (DIR: brainmine simulate decode --preset decode25k -o DIR)
tvfit: one TV-l1 fit, squared loss, l1_ratio 0.5, alpha = 0.1 max|X'y|, nilearn's solver at its
       default tolerance; value = its objective with TV inside the mask, where brainmine's is certified.
svm:   linear SVM, C = 1, leave one run out, scikit-learn's SVC; value = mean accuracy.
Reading files is outside the timed part. Exit 77: the peer is not installed.
"""
import sys
import time

try:
    import nibabel
    import numpy as np
    if sys.argv[2] == 'tvfit':
        from nilearn.decoding.space_net_solvers import tvl1_solver
    else:
        from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
        from sklearn.svm import SVC
except ImportError:
    sys.exit(77)


def load(folder):
    mask = nibabel.load(folder + '/mask.nii.gz').get_fdata() > 0
    samples = np.asarray(nibabel.load(folder + '/bold.nii.gz').dataobj)[mask].T.astype(float)
    with open(folder + '/samples.tsv') as table:
        head = table.readline().split()
        rows = [line.split() for line in table]
    column = {name: [row[i] for row in rows] for i, name in enumerate(head)}
    return samples, mask, column


def objective(X, y, mask, w, alpha):
    volume = np.zeros(mask.shape)
    volume[mask] = w
    square = np.zeros(mask.shape)
    for axis in range(3):
        ahead = np.roll(volume, -1, axis) - volume
        both = mask & np.roll(mask, -1, axis)
        last = [slice(None)] * 3
        last[axis] = -1
        both[tuple(last)] = False
        square += np.where(both, ahead, 0) ** 2
    return (.5 * ((y - X @ w) ** 2).sum()
            + alpha * (.5 * np.abs(w).sum() + .5 * np.sqrt(square).sum()))


def main():
    X, mask, column = load(sys.argv[1])
    if sys.argv[2] == 'tvfit':
        X = (X - X.mean(0)) / X.std(0)
        y = np.array(column['target'], float)
        y -= y.mean()
        alpha = .1 * np.abs(X.T @ y).max()
        start = time.process_time()
        w = tvl1_solver(X, y, alpha, .5, mask, loss='mse', max_iter=1000, tol=1e-4, verbose=0)[0]
        print('nilearn', time.process_time() - start, objective(X, y, mask, w, alpha))
    else:
        runs = np.array(column['run'])
        for run in set(runs):
            rows = runs == run
            n = rows.sum()
            line = np.linalg.qr(np.vander(np.arange(n), 2))[0]
            X[rows] -= line @ (line.T @ X[rows])
            X[rows] /= X[rows].std(0)
        start = time.process_time()
        score = cross_val_score(SVC(kernel='linear', C=1), X, np.array(column['label']),
                                groups=runs, cv=LeaveOneGroupOut())
        print('scikit-learn', time.process_time() - start, score.mean())


main()
