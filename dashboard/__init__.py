"""Staff dashboard of a group of infusion clinics."""

import os

# NumPy's matrices are small here and many threads ask at once: with threads of its own beneath each,
# they mostly wait for one another. Read when NumPy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
