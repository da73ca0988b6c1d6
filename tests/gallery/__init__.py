"""For each example of the gallery a small setting, and what it must have reached: a file for each part of the course."""

from . import calculus, convolution, devices, generative, language, practice, recurrent, sequence_to_sequence, shallow, text

PARTS = (calculus, shallow, convolution, text, recurrent, language, sequence_to_sequence, generative, practice, devices)
CASES = {name: case for part in PARTS for name, case in part.CASES.items()}
REAL = [case for part in PARTS for case in part.REAL]
