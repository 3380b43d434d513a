"""`report.html`: a run on one page that opens anywhere.

Everything comes from the files of the run's folder, so that the page can be
made of any run, as it is: going on, killed, finished, resumed.
"""

from noisy_keras.reporting.intervals import wilson_interval
from noisy_keras.reporting.page import write

__all__ = ["wilson_interval", "write"]
