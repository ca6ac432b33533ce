"""The scikit-learn classifier: scikit-learn's own checks, pipelines, texts, images, suspects."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from lnlbench.sklearn import NoisyLabelClassifier

QUICK = {"method": "ce", "random_state": 0, "epochs": 4}


def blobs(count=300, wrong=0.3, seed=0):
    """Three clusters of texts: features, labels of which a share is wrong, and the truth."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, count)
    features = random.normal(size=(count, 6)) + 4 * np.eye(6)[truth]
    moved = (truth + random.integers(1, 3, count)) % 3
    noisy = np.where(random.random(count) < wrong, moved, truth)
    names = np.array(["ant", "bee", "cat"])
    return features, names[noisy], names[truth]


def test_it_passes_the_checks_of_scikit_learn():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks warn about what they skip
        results = check_estimator(NoisyLabelClassifier(random_state=0, epochs=6), on_fail=None)
    failed = {
        each["check_name"]: str(each["exception"])
        for each in results
        if each["status"] not in ("passed", "skipped")
    }
    assert failed == {}
    assert len(results) > 40


@pytest.mark.parametrize("method", ["ce", "gce", "elr", "dividemix", "co-teaching", "knn"])
def test_every_kind_of_method_learns_the_truth(method):
    features, noisy, truth = blobs()
    model = NoisyLabelClassifier(method=method, random_state=0).fit(features, noisy)
    assert (model.predict(features) == truth).mean() > 0.85
    assert model.clean_probability_.shape == (300,)
    clean = model.clean_probability_[noisy == truth].mean()
    assert clean > model.clean_probability_[noisy != truth].mean()


def test_parameters_reach_the_method_and_mistakes_are_value_errors():
    features, noisy, _ = blobs(60)
    model = NoisyLabelClassifier("gce", {"q": 0.5}, epochs=2, random_state=0).fit(features, noisy)
    assert model.method_.params.q == 0.5
    for wrong, said in [
        ({"method": "gcee"}, "Did you mean 'gce'"),
        ({"method": "gce", "params": {"k": 1}}, "no parameter 'k'"),
        ({"method": "ce-clean"}, "clean_labels"),
        ({"method": "ce", "track": "digitss"}, "digits"),
        ({"method": "ce", "epochs": 0}, "epochs"),
    ]:
        with pytest.raises(ValueError, match=said):
            NoisyLabelClassifier(**wrong).fit(features, noisy)


def test_the_same_seed_gives_the_same_model_and_another_does_not():
    features, noisy, _ = blobs(80)
    first, again = (NoisyLabelClassifier(**QUICK).fit(features, noisy) for _ in range(2))
    other = NoisyLabelClassifier(**{**QUICK, "random_state": 1}).fit(features, noisy)
    assert np.array_equal(first.predict_proba(features), again.predict_proba(features))
    assert not np.array_equal(first.predict_proba(features), other.predict_proba(features))


def test_it_works_in_pipelines_cross_validation_and_grid_search():
    features, noisy, _ = blobs(150, wrong=0.0)
    pipeline = make_pipeline(StandardScaler(), NoisyLabelClassifier(**QUICK))
    assert cross_val_score(pipeline, features, noisy, cv=3).mean() > 0.9
    grid = {"params": [{"q": 0.3}, {"q": 0.9}]}
    search = GridSearchCV(NoisyLabelClassifier("gce", epochs=3, random_state=0), grid, cv=2)
    assert set(search.fit(features, noisy).best_params_) == {"params"}


def test_suspects_are_the_wrong_labels_with_the_right_suggestions():
    features, noisy, truth = blobs(wrong=0.1)
    model = NoisyLabelClassifier("elr", random_state=0).fit(features, noisy)
    table = model.suspects(features, noisy)
    found = set(table["sample"])
    wrong = set(np.flatnonzero(noisy != truth))
    assert len(found & wrong) / len(wrong) > 0.8
    assert len(found & wrong) / len(found) > 0.8
    assert table["probability"].is_monotonic_increasing
    assert (table["given"] == noisy[table["sample"]]).all()


def test_images_train_a_small_network_and_predictions_do_not_depend_on_the_batch():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 40)
    images = (random.integers(0, 60, (40, 9, 12, 3)) + 150 * labels[:, None, None, None]).astype(
        np.uint8
    )
    model = NoisyLabelClassifier("ce", epochs=8, random_state=0).fit(images, labels)
    assert (model.predict(images) == labels).mean() > 0.9
    together = model.predict_proba(images)
    alone = np.concatenate([model.predict_proba(images[i : i + 1]) for i in range(5)])
    assert np.array_equal(together[:5], alone)


def test_images_refuse_a_track_of_cached_features():
    images = np.zeros((20, 8, 8, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match="cached features"):
        NoisyLabelClassifier("ce", track="cifar100n-embedding").fit(images, [0, 1] * 10)


def test_a_pickled_model_predicts_the_same_and_a_clone_is_not_fitted():
    features, noisy, _ = blobs(60)
    model = NoisyLabelClassifier(**QUICK).fit(features, noisy)
    copied = pickle.loads(pickle.dumps(model))
    assert np.array_equal(copied.predict_proba(features), model.predict_proba(features))
    with pytest.raises(NotFittedError):
        clone(model).predict(features)


def test_one_class_says_so():
    with pytest.raises(ValueError, match="one class, 'ant'"):
        NoisyLabelClassifier().fit(np.ones((5, 2)), ["ant"] * 5)
