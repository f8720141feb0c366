"""Tables, trees and plots."""

import io

import joblib
import lightgbm
import matplotlib as mpl
import numpy as np
import pandas as pd
import scipy.integrate
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse.linalg
import scipy.stats
import xgboost
from checks import run, serve
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

mpl.use("Agg")
import matplotlib.pyplot as plt

X, Y = make_classification(120, 8, random_state=3)


def predict():
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y).predict(X[:3])


def fit_all_kinds():
    models = (
        RandomForestClassifier(5),
        HistGradientBoostingClassifier(max_iter=5),
        SVC(),
        xgboost.XGBClassifier(n_estimators=5),
        lightgbm.LGBMClassifier(n_estimators=5, verbose=-1),
    )
    for model in models:
        assert model.fit(X, Y).score(X, Y) > 0.5
    assert KMeans(3).fit_predict(PCA(2).fit_transform(X)).max() == 2


def search():
    found = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, n_jobs=2).fit(X, Y)
    file = io.BytesIO()
    joblib.dump(found, file)
    file.seek(0)
    assert (joblib.load(file).predict(X) == found.predict(X)).all()


def boost_natively():
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(X, Y), 3)
    assert xgboost.Booster(model_file=booster.save_raw()).num_boosted_rounds() == 3
    text = lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 3).model_to_string()
    assert lightgbm.Booster(model_str=text).num_trees() == 3


def tabulate():
    table = pd.read_csv(io.StringIO("day,kind,n\n2026-01-01,a,1\n2026-01-02,b,2\n"))
    table["day"] = pd.to_datetime(table["day"]).dt.tz_localize("Europe/Berlin")
    assert table.groupby("kind")["n"].sum().to_dict() == {"a": 1, "b": 2}
    assert table.pivot_table(index="day", columns="kind", values="n").resample("D").sum().size == 4
    table.to_html()
    table.to_json()
    encoder = ColumnTransformer([("kinds", OneHotEncoder(), ["kind"])])
    assert encoder.fit_transform(table).shape == (2, 2)
    assert TfidfVectorizer(stop_words="english").fit_transform(["the cat", "a dog"]).shape == (2, 2)


def plot():
    figure, axes = plt.subplots(1, 3)
    axes[0].plot(X[:, 0], label="$x_0^2$")
    axes[1].scatter(X[:, 0], X[:, 1], c=Y, cmap="viridis")
    pd.DataFrame(X).hist(ax=axes[2], column=[0])
    axes[0].legend()
    plt.style.use("ggplot")
    for kind in ("png", "svg", "pdf"):
        figure.savefig(io.BytesIO(), format=kind)
    xgboost.plot_importance(xgboost.XGBClassifier(n_estimators=2).fit(X, Y))
    figure.add_subplot(projection="3d").plot([1], [1], [1])
    figure.savefig(io.BytesIO())


def calculate():
    assert abs(scipy.optimize.minimize(lambda x: (x[0] - 3) ** 2, [0]).x[0] - 3) < 1e-3
    assert abs(scipy.integrate.quad(np.sin, 0, np.pi)[0] - 2) < 1e-6
    matrix = scipy.sparse.random_array((30, 30), density=0.2) + scipy.sparse.eye_array(30)
    assert scipy.sparse.linalg.spsolve(matrix.tocsc(), np.ones(30)).shape == (30,)
    assert scipy.stats.norm.fit(X[:, 0])
    assert scipy.signal.butter(2, 0.2)
    assert scipy.ndimage.gaussian_filter(X, 1).shape == X.shape


CHECKS = (predict, fit_all_kinds, search, boost_natively, tabulate, plot, calculate)
app = serve(CHECKS)

if __name__ == "__main__":
    run(CHECKS)
