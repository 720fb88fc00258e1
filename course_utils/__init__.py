"""Helpers of the course: recordings, loading and saving, plots, players, quizzes, exercises, progress.

Importing the package costs nothing; import what you need from its modules, for example
`from course_utils.audio_io import load_audio`.
"""
