"""The checks that every helper taking a waveform shares."""

import numpy as np
import pytest
import torch

from course_utils.checks import (
    check_batch,
    check_positive_integer,
    check_sample_rate,
    check_spectrogram,
    check_waveform,
)
from course_utils.errors import WaveformError


@pytest.mark.parametrize("shape", [(1, 1), (1, 16000), (2, 16000), (2, 1), (8, 3), (16, 16000)])
def test_channels_by_samples_comes_back_as_the_same_tensor(shape):
    waveform = torch.zeros(shape)
    assert check_waveform(waveform) is waveform


def test_one_dimension_becomes_one_channel_where_it_is_allowed():
    waveform = torch.rand(100)
    checked = check_waveform(waveform, allow_1d=True)
    assert checked.shape == (1, 100)
    assert checked.data_ptr() == waveform.data_ptr()


@pytest.mark.parametrize(
    ("waveform", "problem", "remedy"),
    [
        (np.zeros((1, 100), dtype=np.float32), "ndarray", "torch.from_numpy(waveform)"),
        ((torch.zeros(1, 100), 16000), "tuple", "waveform, sample_rate = load_audio(path)"),
        ("speech.wav", "str", "load_audio(path)"),
        ([0.0, 0.1], "list", "tensor [channels, samples]"),
        (torch.zeros(1, 100, dtype=torch.int16), "int16", "waveform.float() / 32768"),
        (torch.zeros(1, 100, dtype=torch.uint8), "uint8", "(waveform.float() - 128) / 128"),
        (torch.zeros(1, 100, dtype=torch.int32), "int32", "waveform.float() / 2**31"),
        (torch.zeros(1, 100, dtype=torch.complex64), "complex64", "InverseSpectrogram"),
        (torch.zeros(100), "[100]", "waveform.unsqueeze(0)"),
        (torch.tensor(0.5), "[]", "whole waveform"),
        (torch.zeros(4, 1, 100), "[4, 1, 100], a batch", "waveform[0]"),
        (torch.zeros(3, 4, 1, 100), "a batch", "waveform[0, 0]"),
        (torch.zeros(100, 2), "[samples, channels]", "waveform.T"),
        (torch.zeros(1, 0), "empty", "slice"),
        (torch.zeros(0, 100), "empty", "slice"),
        (torch.tensor([[0.0, float("nan"), float("-inf")]]), "(2 of 3 samples)", "division by zero"),
    ],
)
def test_what_is_no_waveform_is_named_with_its_remedy(waveform, problem, remedy):
    with pytest.raises(WaveformError) as raised:
        check_waveform(waveform)
    assert problem in raised.value.problem
    assert remedy in raised.value.remedy


@pytest.mark.parametrize("expression", ["waveform.float() / 32768", "waveform.float() / 2**31"])
def test_the_remedy_for_integers_brings_full_scale_to_one(expression):
    dtype = torch.int16 if "32768" in expression else torch.int32
    waveform = torch.tensor([[torch.iinfo(dtype).min, 0, torch.iinfo(dtype).max]], dtype=dtype)
    with pytest.raises(WaveformError) as raised:
        check_waveform(waveform)
    assert expression in raised.value.remedy
    torch.testing.assert_close(eval(expression), torch.tensor([[-1.0, 0.0, 1.0]]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("sample_rate", [16000, np.int64(16000), torch.tensor(16000)])
def test_a_whole_number_is_a_sample_rate(sample_rate):
    rate = check_sample_rate(sample_rate)
    assert rate == 16000
    assert type(rate) is int


@pytest.mark.parametrize("sample_rate", [0, -8000, 16000.5, "16000", True, None, torch.zeros(1, 100)])
def test_what_is_no_sample_rate_is_refused(sample_rate):
    with pytest.raises(WaveformError, match="sample rate"):
        check_sample_rate(sample_rate)


@pytest.mark.parametrize("value", [True, False, 0, -1, 160.0, "160", None])
def test_what_counts_nothing_is_refused_by_its_name(value):
    with pytest.raises(WaveformError) as raised:
        check_positive_integer(value, "hop length", "samples", "Pass another.")
    assert raised.value.problem == f"The hop length is {value!r}; a positive whole number of samples is expected."
    assert raised.value.remedy == "Pass another."


@pytest.mark.parametrize("shape", [(1,), (16000,), (2, 16000), (4, 1, 16000), (3, 4, 2, 10), (16, 2, 10)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_batch_of_any_shape_comes_back_as_the_same_tensor(shape, dtype):
    batch = torch.zeros(shape, dtype=dtype)
    assert check_batch(batch) is batch


@pytest.mark.parametrize(
    ("batch", "problem", "remedy"),
    [
        (np.zeros((2, 1, 100), dtype=np.float32), "ndarray", "torch.from_numpy(noise)"),
        (torch.zeros(2, 1, 100, dtype=torch.int16), "int16", "noise.float() / 32768"),
        (torch.zeros(2, 1, 100, dtype=torch.bfloat16), "bfloat16", "noise.float()"),
        (torch.tensor(0.5), "single number", "all of it"),
        (torch.zeros(2, 0, 100), "empty", "slice"),
        (torch.zeros(4, 100, 2), "[samples, channels]", "noise.mT"),
        (torch.tensor([[[0.0, float("nan")]]]), "(1 of 2 samples)", "division by zero"),
    ],
)
def test_what_is_no_batch_is_named_with_its_remedy(batch, problem, remedy):
    with pytest.raises(WaveformError) as raised:
        check_batch(batch, "noise")
    assert raised.value.problem.startswith("The noise ")
    assert problem in raised.value.problem
    assert remedy in raised.value.remedy


@pytest.mark.parametrize("shape", [(1, 1), (201, 80), (2, 201, 80), (4, 2, 201, 80)])
def test_a_real_spectrogram_comes_back_as_the_same_tensor(shape):
    spectrogram = torch.zeros(shape)
    assert check_spectrogram(spectrogram) is spectrogram


@pytest.mark.parametrize(
    ("spectrogram", "problem", "remedy"),
    [
        (torch.zeros(201, 80, dtype=torch.complex64), "complex", "spectrogram.abs()"),
        (torch.zeros(201, 80, dtype=torch.uint8), "uint8", "dtype=torch.float32"),
        (torch.zeros(201), "[201]", "MelSpectrogram"),
        (torch.zeros(201, 0), "empty", "file"),
        (torch.zeros(2, 2).log10(), "(4 of 4 values)", "logarithm of zero"),
        (np.zeros((201, 80)), "ndarray", "torch.as_tensor(spectrogram"),
    ],
)
def test_what_is_no_spectrogram_is_named_with_its_remedy(spectrogram, problem, remedy):
    with pytest.raises(WaveformError) as raised:
        check_spectrogram(spectrogram)
    assert raised.value.problem.startswith("The spectrogram ")
    assert problem in raised.value.problem
    assert remedy in raised.value.remedy
