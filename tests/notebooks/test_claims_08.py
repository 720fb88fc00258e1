"""Statements of 08_speech_representations that its cells do not assert, measured again with the stand-in."""

import re

import numpy as np
import pytest
import torch
import torchaudio
from course_notebooks import PATHS, read, tagged
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.model_selection import GroupKFold

from course_utils.paths import ROOT
from course_utils.voices import WordClip, load_words

NOTEBOOK = read(next(path for path in PATHS if path.stem == "08_speech_representations"))
STUBS = tagged(NOTEBOOK, "exercise")


def run_cells(until: str, patches: dict, *, optimize: int = 0) -> dict:
    """The names after the code cells up to the first that contains `until`, without exercises and quiz."""
    names = {"__name__": "notebook"}
    for cell in NOTEBOOK.cells:
        if cell.cell_type != "code" or cell in STUBS or cell.source.startswith("quiz("):
            continue
        exec(compile(cell.source, f"<{cell.id}>", "exec", optimize=optimize, dont_inherit=True), names)
        if "setup" in cell.metadata.get("tags", ()):
            names |= patches
        if until and until in cell.source:
            break
    return names


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """No weights in the cache, and nothing is shown."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("empty")))
        patch.setattr("matplotlib.pyplot.show", lambda: None)
        yield


SILENT = {"listen": lambda *_, **__: None}


@pytest.fixture(scope="module")
def names(shell):
    """What the notebook has after the probes: clips, features, who and what for each of them, and the fooled probe."""
    return run_cells("cured = ", SILENT)


def accuracies(names, side):
    return [folds[side].mean() for folds in names["results"].values()]


def test_the_lower_a_layer_the_better_it_knows_the_voice_the_higher_the_better_the_word(names):
    (mfcc_who, *who), (mfcc_what, *what) = accuracies(names, 0), accuracies(names, 1)
    assert who[0] > 0.93 > who[-1]
    assert who == sorted(who, reverse=True)
    assert what == sorted(what)
    assert what[-1] > what[0] + 0.15
    assert mfcc_what < 0.3 < what[0]
    assert mfcc_who > max(who) - 0.03


def test_verification_shows_the_same_order(names):
    rates = [names["rates"][name] for name in names["names"]]
    assert rates[0] < 0.2
    assert rates[1] < 0.22 < rates[-1]
    assert min(rates) > 0.13


def test_with_the_stand_in_everybody_is_like_everybody_before_the_common_part_is_taken_away(names):
    assert names["cosines"](names["features"]["layer 1"]).min() > 0.9


def test_the_stand_in_learned_from_synthetic_voices_alone():
    rebuild = (ROOT / "training" / "rebuild").read_text(encoding="utf-8")
    assert re.findall(r"train\.py \S+ \S+ (\S+)", rebuild) == ["flite,piper"]


def test_speakers_differ_a_lot_in_what_and_the_hissing_codec_is_the_hardest(names):
    by_speaker = dict(zip(sorted(set(names["speakers"])), names["results"][names["last"]][1], strict=True))
    assert max(by_speaker.values()) - min(by_speaker.values()) > 0.2
    assert min(by_speaker, key=by_speaker.get) == "Armelle"


def share_of_neighbours(places, labels) -> float:
    """How many points have a nearest neighbour with the same label."""
    distances = torch.cdist(places, places).fill_diagonal_(torch.inf)
    return float(np.mean(labels[distances.argmin(dim=1)] == labels))


def test_the_islands_of_the_t_sne_map_are_speakers_below_and_words_above_and_the_shadow_has_none(names):
    maps, speakers, words = names["maps"], names["speakers"], names["words"]
    assert share_of_neighbours(maps["t-SNE of MFCC"], speakers) > 0.8
    assert share_of_neighbours(maps["t-SNE of layer 1"], speakers) > 0.7
    assert share_of_neighbours(maps["t-SNE of layer 4"], words) > 0.4
    assert share_of_neighbours(maps["PCA of layer 4"], words) < 0.15


def test_armelle_keeps_an_island_of_her_own_at_the_top_and_nobody_else_does(names):
    places, speakers = names["maps"]["t-SNE of layer 4"], names["speakers"]
    distances = torch.cdist(places, places).fill_diagonal_(torch.inf)
    stays = speakers[distances.argmin(dim=1)] == speakers
    shares = {speaker: stays[speakers == speaker].mean() for speaker in set(speakers)}
    assert shares.pop("Armelle") > 0.8 > 0.5 > max(shares.values())


def test_noise_falls_into_groups_on_a_t_sne_map_of_low_perplexity():
    noise = np.random.default_rng(0).standard_normal((130, 40))
    places = torch.from_numpy(TSNE(2, perplexity=2, random_state=0).fit_transform(noise))
    distances = torch.cdist(places, places).fill_diagonal_(torch.inf)
    spread = torch.from_numpy(noise)
    true = torch.cdist(spread, spread).fill_diagonal_(torch.inf)
    assert distances.amin(1).median() / distances[~distances.isinf()].median() < 0.08  # groups on the map
    assert true.amin(1).median() / true[~true.isinf()].median() > 0.6  # and none in the numbers


def test_the_library_of_similar_clips_finds_the_speaker_below_and_the_word_above(names):
    papa = int(np.flatnonzero((names["words"] == "papa") & (names["speakers"] == "Paola"))[0])
    alike = {name: names["likeness"][name][papa].argsort(descending=True)[1:4] for name in ("layer 1", "layer 4")}
    assert (names["speakers"][alike["layer 1"]] == "Paola").sum() >= 2
    assert (names["words"][alike["layer 4"]] == "papa").sum() >= 2


def test_spanish_allison_is_nearest_to_herself(names):
    means = {speaker: names["across"][names["speakers"] == speaker].mean() for speaker in set(names["speakers"])}
    assert max(means, key=means.get) == "Allison"


def test_a_probe_that_learned_the_room_is_far_below_chance_in_swapped_rooms_and_can_be_cured(names):
    assert names["same_places"] > 0.95
    assert names["other_places"] < 0.2
    test = ~names["is_train"]
    assert names["cured"].score(names["swapped"][test], names["person"][test]) > 0.9


class RandomHubert:
    """torchaudio's HuBERT Base with random numbers: 12 layers of 768."""

    sample_rate = 16_000

    def get_model(self):
        torch.manual_seed(0)
        return torchaudio.models.hubert_base().eval()


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_every_cell_takes_the_full_size_architecture(shell, monkeypatch):
    def load_short_words():
        return [WordClip(c.speaker, c.language, c.word, c.waveform[:, 1600:2800]) for c in load_words()]

    class FewSteps(LogisticRegression):
        def __init__(self, C=0.1, max_iter=3):
            super().__init__(C=C, max_iter=3)

    patches = SILENT | {
        "load_bundle": lambda name: RandomHubert(),
        "load_words": load_short_words,
        "GroupKFold": lambda _: GroupKFold(2),
    }
    monkeypatch.setattr("sklearn.linear_model.LogisticRegression", FewSteps)
    names = run_cells("", patches, optimize=1)  # without the asserts: random numbers know nothing
    assert names["embeddings"].shape == (130, 12, 768)
    assert names["batch"].shape == (4, 12, 768)
    assert list(names["features"])[-1] == "layer 12"
    assert len(names["nested"]) == 5
