"""The docstrings of what notebooks import keep their word: they name what is there, and real calls bear them out."""

import ast
import importlib
import inspect
import re
import textwrap
import types
from collections.abc import Callable, Iterator

import pytest
import torch
from course_notebooks import PATHS, code, read
from torch import Tensor

from course_utils.audio_io import load_audio
from course_utils.clinic import clinic_clip
from course_utils.ctc import get_emission
from course_utils.errors import CourseError, WaveformError
from course_utils.players import listen
from course_utils.plots import plot_mel_spectrogram, plot_spectrogram, plot_waveform, to_db
from course_utils.pretrained.fetch import DownloadError
from course_utils.samples import chirp, clicks, load_sample, noise, sample_names, sample_path, tone
from course_utils.scenes import load_mono, place, spoken
from course_utils.segments import Segment, keep
from course_utils.standin import load_standin
from course_utils.voice_activity import level_scores, speech_probabilities
from course_utils.whisper import encode_speech, load_whisper, next_token_probabilities

# ---- what a docstring says ------------------------------------------------------------------------------------------


def section(function: Callable, name: str) -> str:
    """The text under "Args:", "Returns:" or "Raises:", without its indent; empty when there is none."""
    found = re.search(rf"^{name}:\n((?: .*\n?|\n)+)", inspect.getdoc(function) or "", re.MULTILINE)
    return textwrap.dedent(found[1]) if found else ""


def entries(function: Callable, name: str) -> dict[str, str]:
    """The entries of "Args:" or "Raises:" with their texts."""
    return dict(re.findall(r"^(\w+): ((?:.*\n?)(?: .*\n?)*)", section(function, name), re.MULTILINE))


def raised(function: Callable) -> set[str]:
    """The course's errors that the function's own body raises."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)]
    names = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    return names & course_errors()


def course_errors(base: type = CourseError) -> set[str]:
    return {base.__name__}.union(*(course_errors(kind) for kind in base.__subclasses__()))


def omissions(function: Callable, notebook: str) -> Iterator[str]:
    """What is missing or wrong in the docstring of a function that `notebook` is the first to import."""
    summary, *rest = (inspect.getdoc(function) or "").splitlines() or [""]
    if not summary.endswith(".") or (rest and rest[0]):
        yield "the first line is not a sentence that stands alone"
    taught = re.findall(r"Taught in (\w+)\.", inspect.getdoc(function) or "")
    if taught != [notebook]:
        yield f"taught in {taught}, not {notebook}"
    parameters, described = set(inspect.signature(function).parameters), set(entries(function, "Args"))
    yield from (f"no entry for the parameter {name}" for name in sorted(parameters - described))
    yield from (f"an entry for {name}, which is no parameter" for name in sorted(described - parameters))
    errors = set(entries(function, "Raises"))
    yield from (f"raises {name} and does not say so" for name in sorted(raised(function) - errors))
    yield from (f"there is no error {name}" for name in sorted(errors - course_errors()))


def taught_functions() -> dict[Callable, str]:
    """The functions of the course that notebooks import, each with the first notebook that does."""
    found = {}
    for path in PATHS:
        nodes = [node for _, tree in code(read(path)) for node in ast.walk(tree)]
        for line in (node for node in nodes if isinstance(node, ast.ImportFrom)):
            if line.module.split(".")[0] == "course_utils":
                module = importlib.import_module(line.module)
                for alias in line.names:
                    found.setdefault(getattr(module, alias.name), path.stem)
    return {thing: name for thing, name in found.items() if isinstance(thing, types.FunctionType)}


TAUGHT = taught_functions()


@pytest.mark.parametrize("function", TAUGHT, ids=lambda function: function.__name__)
def test_a_docstring_names_parameters_errors_and_its_notebook(function):
    assert list(omissions(function, TAUGHT[function])) == []


def good(rate: int) -> int:
    """Double a rate.

    Args:
        rate: in Hz, one that
            is positive.

    Raises:
        WaveformError: the rate is not positive.

    Taught in 01_audio_io. Source: arithmetic.
    """
    if rate <= 0:
        raise WaveformError("No rate.", "Choose another.")
    return 2 * rate


def test_errors_of_every_module_count():
    assert DownloadError.__name__ in course_errors()


def test_a_good_docstring_passes():
    assert list(omissions(good, "01_audio_io")) == []


FAULTS = [
    ("Double a rate.", "Double a rate", "not a sentence that stands alone"),
    ("Double a rate.\n", "Double a rate.", "not a sentence that stands alone"),
    ("Taught in 01_audio_io.", "", r"taught in \[\], not 01_audio_io"),
    ("01_audio_io", "02_seeing_sound", r"taught in \['02_seeing_sound'\]"),
    ("    rate: in Hz", "    speed: in Hz", "no entry for the parameter rate, an entry for speed"),
    ("Args:", "Arguments:", "no entry for the parameter rate"),
    ("Raises:", "Also:", "raises WaveformError and does not say so"),
    ("WaveformError:", "WaveError:", "raises WaveformError and does not say so, there is no error WaveError"),
]


@pytest.mark.parametrize(("text", "instead", "finding"), FAULTS, ids=[fault[2] for fault in FAULTS])
def test_a_fault_in_a_docstring_is_found(monkeypatch, text, instead, finding):
    faulty = inspect.getdoc(good).replace(text, instead)
    assert faulty != inspect.getdoc(good)
    monkeypatch.setattr(good, "__doc__", faulty)
    assert re.search(finding, ", ".join(omissions(good, "01_audio_io")))


# ---- what a function returns ----------------------------------------------------------------------------------------


BEFORE_A_SHAPE = ("", "or")


def bracketed(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each list in brackets, such as [1, round(seconds * rate)], as its elements, with the word before it.

    No word or "or": a shape; "in": a range.
    """
    for word, inner in re.findall(r"(\w*) ?(?<!\w)\[([^][]+)\]", text):
        yield word, [ast.unparse(element) for element in ast.parse(f"[{inner}]", mode="eval").body.elts]


def fits(shape: torch.Size, sizes: list[float | None]) -> bool:
    """Whether a shape has these sizes, None for any."""
    return len(shape) == len(sizes) and all(size in (None, real) for size, real in zip(sizes, shape, strict=True))


def broken_promises(function: Callable, result: Tensor, **arguments: object) -> Iterator[str]:
    """Where a tensor is not what "Returns:" says: its shape, its dtype, its range.

    What can be computed from the arguments has to be as computed; any other word, such as `samples`, may be any number.
    """
    returns = section(function, "Returns")
    bound = inspect.signature(function).bind(**arguments)
    bound.apply_defaults()

    def value(expression: str) -> float | None:
        try:
            return eval(expression, {"round": round, **bound.arguments})
        except NameError:
            return None

    for word, elements in bracketed(returns):
        values = [value(element) for element in elements]
        if word == "in":
            low, high = values
            if result.min() < low or result.max() > high:
                yield f"values from {result.min():g} to {result.max():g}, not in [{low:g}, {high:g}]"
        elif word in BEFORE_A_SHAPE and not fits(result.shape, values):
            yield f"shape {list(result.shape)}, not [{', '.join(elements)}]"
    for dtype in re.findall(r"\b(?:float|int|complex)\d+\b", returns):
        if result.dtype != getattr(torch, dtype):
            yield f"{result.dtype}, not {dtype}"


def returns_a_shape(function: Callable) -> bool:
    return any(word in BEFORE_A_SHAPE for word, _ in bracketed(section(function, "Returns")))


CALLS = [
    (tone, {"frequency": 440}),
    (tone, {"frequency": 0.5, "seconds": 0.1003, "sample_rate": 44_100, "amplitude": 1.0}),
    (chirp, {"start": 0, "end": 8000}),
    (chirp, {"start": 4000, "end": 20, "seconds": 0.7, "sample_rate": 8000, "amplitude": 0.1}),
    (clicks, {"times": [0, 0.25]}),
    (clicks, {"times": [], "seconds": 0.3333, "sample_rate": 11_025}),
    *((noise, {"seconds": 0.5, "color": color}) for color in ("white", "pink", "brown")),
    *((load_sample, {"name": name}) for name in sample_names()),
    (load_audio, {"path": sample_path("drum_loop")}),
    (load_audio, {"path": sample_path("drum_loop"), "sample_rate": 8000, "mono": True}),
    (load_mono, {"name": "drum_loop"}),
    (spoken, {"name": "speech_2"}),
    (place, {"clips": {0.5: torch.ones(1, 8000)}, "seconds": 0.77}),
    (keep, {"waveform": torch.ones(2, 800), "sample_rate": 8000, "segments": [Segment(0.01, 0.05)]}),
    (level_scores, {"waveform": noise(1.0), "sample_rate": 16_000}),
    (speech_probabilities, {"waveform": noise(1.0), "sample_rate": 16_000}),
]


@pytest.mark.parametrize(("function", "arguments"), CALLS, ids=[f"{f.__name__} {a}" for f, a in CALLS])
def test_a_function_returns_what_its_docstring_says(function, arguments):
    assert returns_a_shape(function)
    result = function(**arguments)
    waveform = result[0] if isinstance(result, tuple) else result
    assert list(broken_promises(function, waveform, **arguments)) == []


def test_what_speech_models_return_is_what_the_docstrings_say():
    waveform, sample_rate = load_sample("speech")
    recording = {"waveform": waveform, "sample_rate": sample_rate}
    whisper = load_whisper()
    encoded = encode_speech(whisper, **recording)
    calls = {
        get_emission: {"model": load_standin(), **recording},
        encode_speech: {"model": whisper, **recording},
        next_token_probabilities: {"model": whisper, "encoded": encoded, "tokens": []},
    }
    assert set(calls) == WITH_MODELS
    for function, arguments in calls.items():
        assert list(broken_promises(function, function(**arguments), **arguments)) == []


WITH_MODELS = {get_emission, encode_speech, next_token_probabilities}


def test_every_shape_that_is_promised_is_checked():
    promised = {function for function in TAUGHT if returns_a_shape(function)}
    assert promised <= {function for function, _ in CALLS} | WITH_MODELS
    assert clinic_clip in TAUGHT
    assert not returns_a_shape(clinic_clip), "the clinic's clips have faults; no shape holds for all"


def promise(seconds: float, sample_rate: int = 10) -> Tensor:
    """Return a sound.

    Returns:
        [1, round(seconds * sample_rate)], float32 in [-1, 1].
    """


BROKEN = [
    (torch.zeros(20), r"shape \[20\]"),
    (torch.zeros(2, 20), r"shape \[2, 20\]"),
    (torch.zeros(1, 21), r"shape \[1, 21\]"),
    (torch.zeros(1, 20, dtype=torch.float64), "torch.float64, not float32"),
    (torch.full((1, 20), 1.01), r"values from 1.01 to 1.01, not in \[-1, 1\]"),
]


def test_a_kept_promise_passes():
    assert list(broken_promises(promise, torch.zeros(1, 20), seconds=2.0)) == []


@pytest.mark.parametrize(("result", "finding"), BROKEN, ids=[finding for _, finding in BROKEN])
def test_a_broken_promise_is_found(result, finding):
    (found,) = broken_promises(promise, result, seconds=2.0)
    assert re.search(finding, found)


# ---- what a function takes ------------------------------------------------------------------------------------------

SIZES = {"channels": 2, "samples": 800, "bins": 65, "frames": 20, "bands": 40}

TAKES = [
    (listen, "waveform", {"sample_rate": 8000}),
    (plot_waveform, "waveform", {"sample_rate": 8000}),
    (plot_spectrogram, "spectrogram", {"sample_rate": 8000}),
    (plot_mel_spectrogram, "mel", {"sample_rate": 8000, "hop_length": 64}),
]


def shapes_taken(function: Callable, parameter: str) -> list[list[int]]:
    found = bracketed(entries(function, "Args")[parameter])
    shapes = [elements for word, elements in found if word in BEFORE_A_SHAPE]
    return [[SIZES.get(size) or int(size) for size in shape] for shape in shapes]


@pytest.mark.parametrize(("function", "parameter", "others"), TAKES, ids=[take[0].__name__ for take in TAKES])
def test_a_function_takes_the_shapes_that_its_docstring_names_and_refuses_one_more(function, parameter, others):
    shapes = shapes_taken(function, parameter)
    assert shapes
    for shape in shapes:
        function(**{parameter: torch.rand(shape)}, **others)
    deepest = max(shapes, key=len)
    with pytest.raises(WaveformError):
        function(**{parameter: torch.rand([2, *deepest])}, **others)


@pytest.mark.parametrize("shape", [[], [3], [2, 3], [2, 3, 4]], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_to_db_keeps_shape_and_dtype_as_its_docstring_says(shape, dtype):
    decibels = to_db(torch.rand(shape, dtype=dtype))
    assert (list(decibels.shape), decibels.dtype) == (shape, dtype)
