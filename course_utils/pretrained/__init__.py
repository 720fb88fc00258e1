"""One door to every pretrained model: the full-size one where its weights are, else a small stand-in."""

from course_utils.pretrained.bundles import load_bundle, whisper_folder

__all__ = ["load_bundle", "whisper_folder"]
