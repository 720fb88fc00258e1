"""Quizzes that remember: questions in data/quizzes, graded in Python, shown as a widget."""
