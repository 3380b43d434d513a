"""Equations as MathML, converted when the pages are built.

Browsers draw MathML by themselves, so the pages need no script and no network.
"""

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

_LOGGER = logging.getLogger(__name__)


def to_mathml(latex, display):
    """Converts an equation.

    Args:
        latex: str, the equation in LaTeX, without dollar signs.
        display: `"inline"` or `"block"`.

    Returns:
        str, a `<math>` element.

    Raises:
        ValueError: a command that the converter does not know.
    """
    try:
        element = convert(latex, display=display)
    except Exception as error:  # The converter has a dozen exceptions.
        raise ValueError(f"{type(error).__name__}: {error}") from error
    # Commands that it does not know are copied to the output, and so are the
    # marks of environments that it does not align.
    unknown = re.findall(r"\\[A-Za-z]+|<mi>&</mi>", element)
    if unknown:
        raise ValueError(f"unknown commands {', '.join(unknown)}")
    return element


def _element(node, display):
    try:
        return to_mathml(node.astext(), display)
    except ValueError as error:
        _LOGGER.warning("equation %r: %s", node.astext(), error, location=node)
        return ""


def _visit_inline(translator, node):
    translator.body.append(_element(node, "inline"))
    raise nodes.SkipNode


def _visit_block(translator, node):
    element = _element(node, "block")
    translator.body.append(f'<div class="equation">{element}</div>\n')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer(
        "mathml", (_visit_inline, None), (_visit_block, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
