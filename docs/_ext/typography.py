"""Numbers stay on one line with their per cent signs."""

import re

from docutils import nodes
from sphinx.transforms import SphinxTransform

_NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"


class _Percentages(SphinxTransform):
    default_priority = 700

    def apply(self, **kwargs):
        for node in list(self.document.findall(nodes.Text)):
            if isinstance(node.parent, (nodes.literal, nodes.literal_block)):
                continue
            text = re.sub(r"(?<=\d) %", f"{_NARROW_SPACE}%", node)
            if text != node:
                node.parent.replace(node, nodes.Text(text))


def setup(app):
    app.add_transform(_Percentages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
