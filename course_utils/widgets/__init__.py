"""Interactive pictures for the notebooks: `course_utils.widgets.stft` and what it is made of."""
