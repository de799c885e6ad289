"""The same work by scikit-learn and nilearn; prints "name cpu_seconds value gap".

usage: peer_connectome.py glasso ALPHA TABLE | cv TABLE...
glasso: graphical_lasso at its default tolerance; value = the objective, gap = a true duality gap of
        its answer, by the dual point nearest to its covariance.
cv:     one table, GraphicalLassoCV; several, nilearn's GroupSparseCovarianceCV; value = n/a.
Reading files is outside the timed part. Exit 77: the peer is not installed.
"""
import sys
import time

try:
    import numpy as np
    from sklearn.covariance import GraphicalLassoCV, empirical_covariance, graphical_lasso
    if sys.argv[1] == 'cv' and len(sys.argv) > 3:
        from nilearn.connectome import GroupSparseCovarianceCV
except ImportError:
    sys.exit(77)


def load(name):
    X = np.genfromtxt(name, delimiter='\t')
    X = X[~np.isnan(X).any(1)]
    return (X - X.mean(0)) / X.std(0)


def main():
    if sys.argv[1] == 'glasso':
        alpha, S = float(sys.argv[2]), empirical_covariance(load(sys.argv[3]))
        start = time.process_time()
        C, P = graphical_lasso(S, alpha)
        took = time.process_time() - start
        off = ~np.eye(len(S), dtype=bool)
        P = (P + P.T) / 2
        value = (S * P).sum() - np.linalg.slogdet(P)[1] + alpha * np.abs(P[off]).sum()
        W = np.clip(np.linalg.inv(P), S - alpha, S + alpha)
        np.fill_diagonal(W, np.diag(S))
        print('scikit-learn', took, value, value - len(S) - np.linalg.slogdet(W)[1])
        return
    series = [load(name) for name in sys.argv[2:]]
    start = time.process_time()
    if len(series) == 1:
        GraphicalLassoCV().fit(series[0])
    else:
        GroupSparseCovarianceCV().fit(series)
    name = 'scikit-learn' if len(series) == 1 else 'nilearn'
    print(name, time.process_time() - start, 'n/a', 'n/a')


main()
