"""`report.html`: a run on one self-contained page.

The page is made from the files in a run's folder only, so that it can be made
of any run: running, killed, finished or resumed.
"""

from noisy_keras.reporting.intervals import wilson_interval
from noisy_keras.reporting.page import write

__all__ = ["wilson_interval", "write"]
