"""Sphinx' configuration of the documentation.

sphinx-build -W --keep-going -b html docs docs/_build/html
"""

import os
import runpy
import sys

_DOCS = os.path.dirname(os.path.abspath(__file__))
_ROOT = os.path.dirname(_DOCS)
# The checkout's own package, and the extensions beside this file.
sys.path[:0] = [_ROOT, os.path.join(_DOCS, "_ext")]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

project = "noisy_keras"
author = "The noisy_keras authors"
copyright = "The noisy_keras authors. Apache-2.0"
# Read without importing the package, which takes seconds.
_VERSION = os.path.join(_ROOT, "noisy_keras", "version.py")
release = version = runpy.run_path(_VERSION)["__version__"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "api",
    "commands",
    "mathml",
    "methods",
    "typography",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
# An overridden method without a docstring is documented where it is defined.
autodoc_inherit_docstrings = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_custom_sections = [("Call arguments", "params_style")]
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"noisy_keras {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_math_renderer = "mathml"
