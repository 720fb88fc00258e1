"""The errors and warnings of the course: one sentence that says what is wrong, one that says what to do."""


class CourseError(Exception):
    """An error that the learner can mend.

    Args:
        problem: one sentence, naming the input and what is wrong with it.
        remedy: one sentence, saying what to do.
    """

    def __init__(self, problem: str, remedy: str):
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy

    def _render_traceback_(self) -> list[str]:
        """IPython prints these lines instead of a traceback through the helpers."""
        return [f"{type(self).__name__}: {self.problem}", self.remedy]


class AudioFileError(CourseError):
    """A file is missing, empty, damaged, of an unknown format, or cannot be written."""


class WaveformError(CourseError):
    """A waveform has the wrong shape, dtype, length, rate or values."""


class SilentAudioError(WaveformError):
    """A waveform has no power where some is needed."""


class CourseWarning(UserWarning):
    """Something that the learner should know about; the result is still usable."""
