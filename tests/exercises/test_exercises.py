"""Each exercise three ways: the solution passes, the stub says "not yet", each foreseen wrong answer is named."""

import html
import io
import json
import tempfile
import warnings
from contextlib import chdir, redirect_stdout
from functools import cache

import matplotlib.pyplot as plt
import pytest

from course_utils import progress_store
from course_utils.errors import CourseError
from course_utils.exercises import definitions, exercise
from course_utils.exercises.definition import YOUR_CODE
from course_utils.exercises.session import judge
from course_utils.paths import NOTEBOOKS

NUMBERS = sorted(path.name[:2] for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
ALL = [definition for number in NUMBERS for definition in definitions(number)]
WRONG = [(definition, body, words) for definition in ALL for body, words in definition.wrong.items()]


@cache
def variables_at_the_stubs(notebook: str) -> dict[str, dict]:
    """What a learner's variables are when they reach each exercise, having run every cell above it."""
    (path,) = NOTEBOOKS.glob(f"{notebook}_*.ipynb")
    variables, at_stub, folder = {}, {}, tempfile.mkdtemp()
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if "exercise" in cell["metadata"].get("course", {}):
            at_stub[cell["metadata"]["course"]["exercise"]] = dict(variables)
        elif cell["cell_type"] == "code":
            with redirect_stdout(io.StringIO()), warnings.catch_warnings(), chdir(folder):
                warnings.simplefilter("ignore")  # cells show warnings on purpose
                exec("".join(cell["source"]), variables)
    plt.close("all")  # a notebook does so after each cell
    return at_stub


def answer(definition, body: str):
    """What a learner who fills the stub with this body hands to check."""
    variables = dict(variables_at_the_stubs(definition.id[:2])[definition.id])
    exec(definition.fill(body), variables)
    return variables[definition.answer]


@pytest.mark.parametrize("definition", ALL, ids=lambda definition: definition.id)
def test_the_solution_passes(definition):
    assert judge(definition, answer(definition, definition.body)) == ("Right", "")


@pytest.mark.parametrize("definition", ALL, ids=lambda definition: definition.id)
def test_the_untouched_stub_is_not_yet_an_answer(definition):
    verdict, text = judge(definition, answer(definition, YOUR_CODE))
    assert verdict == "Not yet"
    assert "your code" in text


@pytest.mark.parametrize(
    ("definition", "body", "words"), WRONG, ids=lambda value: getattr(value, "id", str(value)[:60])
)
def test_each_foreseen_wrong_answer_gets_its_own_words(definition, body, words):
    verdict, text = judge(definition, answer(definition, body))
    assert verdict == "Not quite"
    assert words in text


@pytest.mark.parametrize("definition", ALL, ids=lambda definition: definition.id)
def test_wrong_answers_of_one_exercise_are_told_apart(definition):
    assert len(set(definition.wrong.values())) == len(definition.wrong)
    assert len(definition.wrong) >= 3
    assert definition.hints


@pytest.mark.parametrize("number", NUMBERS)
def test_the_notebooks_stub_cells_are_the_definitions_stubs(number):
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    cells = {
        cell["metadata"]["course"]["exercise"]: "".join(cell["source"])
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if "exercise" in cell["metadata"].get("course", {})
    }
    assert cells == {definition.id: definition.stub for definition in definitions(number)}


FUNCTIONS = [definition for definition in ALL if definition.stub.startswith("def")]


@pytest.mark.parametrize("definition", FUNCTIONS, ids=lambda definition: definition.id)
def test_a_forgotten_return_is_not_taken_for_an_untouched_stub(definition):
    verdict, text = judge(definition, answer(definition, definition.body.replace("return ", "value = ")))
    assert verdict == "Not quite"
    assert "End it with `return`" in text


def test_an_answer_that_changes_its_input_in_place_is_judged_like_any_other():
    (fit,) = [definition for definition in ALL if definition.id == "01.5"]
    body = "peak = waveform.abs().max()\nif peak > 1:\n    waveform /= peak\nreturn waveform"
    assert judge(fit, answer(fit, body))[0] == "Right"


@pytest.mark.parametrize(
    ("exercise_id", "body"),
    [
        ("00.1", "waveform.size(-1) / float(sample_rate)"),
        ("00.2", "end = int(seconds * sample_rate + 0.5)\nreturn waveform[..., :end]"),
        ("00.3", "return torch.flip(waveform, dims=[-1])"),
        ("01.1", "2 * 60 * 44100 * 16 // 8"),
        (
            "01.2",
            "import soundfile as sf\nrate = sf.info(path).samplerate\n"
            "first, last = round(start * rate), round(end * rate)\n"
            "data, _ = sf.read(path, start=first, stop=last, dtype='float32', always_2d=True)\n"
            "return torch.tensor(data).T",
        ),
        ("01.3", "return waveform.sum(0, keepdim=True) / waveform.shape[0]"),
        ("01.3", "return torch.mean(waveform, 0)[None]"),
        ("01.4", "clinic_clip('A')[1] * 2"),
        ("01.5", "return waveform / max(1, float(waveform.abs().max()))"),
        ("01.6", "return waveform.permute(1, 0)"),
        ("01.6", "return waveform.transpose(0, 1).contiguous()"),
        ("01.7", "return torchaudio.transforms.Resample(sample_rate, new_rate)(waveform)"),
        (
            "01.7",
            "return torchaudio.functional.resample(waveform, sample_rate, new_rate, lowpass_filter_width=64)",
        ),
        (
            "01.7",
            "method = 'sinc_interp_kaiser'\n"
            "return torchaudio.functional.resample(waveform, sample_rate, new_rate, resampling_method=method)",
        ),
        ("01.8", "sign = 1 if torch.corrcoef(waveform)[0, 1] > 0 else -1\nreturn ((left + sign * right) / 2)[None]"),
        ("02.1", "44_100 / 2048 * 100"),
        ("02.1", "2153"),
        ("02.2", "return int(seconds * sample_rate / hop_length + 0.5)"),
        ("02.2", "import math\nreturn math.floor(seconds * sample_rate / hop_length + 0.5)"),
        (
            "02.3",
            "if power.max() == 0:\n    return torch.full_like(power, floor_db)\n"
            "return torch.maximum(10 * torch.log10(power / power.max()), torch.tensor(floor_db))",
        ),
        (
            "03.1",
            "made = torchaudio.transforms.Spectrogram(n_fft, hop_length=hop_length, center=center)\n"
            "return made(torch.zeros(1, samples)).shape[1:]",
        ),
        ("03.2", "return torch.view_as_real(spectrogram).square().sum(-1)"),
        ("03.3", "return 2 ** math.ceil(math.log2(2 * sample_rate / (high - low)))"),
        ("03.4", "bins = torch.fft.rfftfreq(n_fft, 1 / sample_rate)\nreturn bins[(bins - frequency).abs().argmin()]"),
        (
            "03.5",
            "window = torch.hann_window(400)\nz = torch.stft(waveform, 400, 160, window=window, return_complex=True)\n"
            "return torch.istft(z.abs() + 0j, 400, 160, window=window, length=waveform.shape[1])",
        ),
        ("04.1", "return 700 * math.expm1(mel / 1127.0104)"),
        ("04.2", "return (bank.sum(0) == 0).sum()"),
        ("04.3", "return torchaudio.transforms.AmplitudeToDB('power', top_db)(power[:, None])[:, 0]"),
        ("06.1", "return (speech_power / noise_power) ** 0.5 * 10 ** (-snr_db / 20)"),
        (
            "06.3",
            "response = room_response / room_response.norm()\n"
            "return torchaudio.functional.fftconvolve(waveform, response)[:, : waveform.shape[1]]",
        ),
        ("06.4", "gains = torch.empty(len(batch), 1, 1).uniform_(lowest, highest)\nreturn batch * 10 ** (gains / 20)"),
        ("04.5", "return torch.stack([((x - x.mean()) / x.std())[None] for x in mel_db])"),
        ("09.1", "text = re.sub(\"[^a-z']\", ' ', text.lower())\nreturn text.split()"),
        ("09.2", "pairs = zip(tokens, tokens[1:])\nreturn len(tokens) + len([1 for a, b in pairs if a == b])"),
        ("09.3", "scale = sample_rate * frames / samples\nreturn [span.start / scale, span.end / scale]"),
        (
            "09.4",
            "frames = [emission[n, :28] for n in range(span.start, span.end)]\nscores = sum(frames) / len(frames)\n"
            "return scores[span.token] - torch.max(scores)",
        ),
        ("11.1", "return mel_db * math.log(10) / 20"),
        ("11.1", "return torch.log(torch.pow(10, mel_db / 20))"),
        ("11.1", "return torchaudio.functional.DB_to_amplitude(mel_db, ref=1.0, power=0.5).log()"),
        (
            "11.2",
            "words, last = '', False\nfor sign in text:\n    if sign.isdigit():\n"
            "        words += (' ' if last else '') + DIGITS[int(sign)]\n    else:\n        words += sign\n"
            "    last = sign.isdigit()\nreturn words",
        ),
        ("11.2", r"return re.sub(r'\d+', lambda found: ' '.join(DIGITS[int(sign)] for sign in found[0]), text)"),
        (
            "11.3",
            "parts = []\nfor sentence in sentences:\n"
            "    parts += [sentence, torch.zeros(1, int(pause * sample_rate + 0.5))]\n"
            "return torch.cat(parts[:-1], dim=1)",
        ),
        (
            "11.3",
            "samples = int(pause * sample_rate)\nout = sentences[0]\nfor sentence in sentences[1:]:\n"
            "    out = torch.cat((torch.nn.functional.pad(out, (0, samples)), sentence), 1)\nreturn out",
        ),
        ("11.4", "v = pitch[pitch > 0]\nreturn 12 * torch.log2(v.quantile(0.9) / v.quantile(0.1))"),
        (
            "11.4",
            "low, high = pitch[pitch > 0].quantile(torch.tensor([0.1, 0.9])).tolist()\n"
            "return 12 * (math.log2(high) - math.log2(low))",
        ),
    ],
)
def test_other_right_ways_are_right(exercise_id, body):
    (definition,) = [definition for definition in ALL if definition.id == exercise_id]
    assert judge(definition, answer(definition, body)) == ("Right", "")


def test_an_unknown_exercise_names_the_known_ones():
    with pytest.raises(CourseError, match=r'no exercise "00\.9".*00\.1, 00\.2'):
        exercise("00.9")


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """What the learner sees, with an empty progress store."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    texts = []
    monkeypatch.setattr("course_utils.exercises.session.display", lambda shown: texts.append(shown.data))
    return texts


def test_the_hints_open_one_after_the_other_and_the_last_opens_the_solution(shown):
    task = exercise("00.1")
    task.check(...)
    task.hint()
    for text in shown:
        places = [text.index(max(html.escape(hint, quote=False).split("`"), key=len)) for hint in task.definition.hints]
        assert places == sorted(places)
        assert places[-1] < text.index("sample_rate</pre>")
        assert text.count("<details>") == text.count("</details>") == len(places) + 1


def test_a_right_answer_needs_no_help(shown):
    exercise("00.3").check(lambda waveform: waveform.flip(1))
    assert "Right" in shown[-1]
    assert "<details>" not in shown[-1]


def test_a_wrong_answer_is_stored_and_a_later_right_one_found_again(shown):
    exercise("00.3").check(lambda waveform: waveform)
    exercise("00.3").check(lambda waveform: waveform.flip(1))
    stored = progress_store.answers(kind="exercise", notebook="00")
    assert [answer.correct for answer in stored] == [False, True]
    exercise("00.3").check(None)
    assert "solved this one before" in shown[-1]
    exercise("00.3").last()
    assert "flip(1)" in shown[-1]


def test_the_learners_error_is_reported_in_one_line(shown):
    exercise("00.3").check(lambda waveform: waveform.flp(1))
    assert "Your code stopped with AttributeError" in shown[-1]


def test_code_in_feedback_cannot_become_html(shown):
    exercise("00.3").check(lambda waveform: int("<img src=x>"))
    assert "<img" not in shown[-1]
