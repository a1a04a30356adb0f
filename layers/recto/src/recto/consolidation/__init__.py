"""One label out of what several people said: boxes, transcriptions, spans, classes, label images, forms.

`consolidate` takes all objects of a request, with any number of answers to each. It looks at them together,
since what people say of many objects tells how reliable each of them is. Permuting people changes nothing;
one person's answer comes out as it went in; the same answer of all comes out with confidence 1.
"""

from recto.consolidation.contents import Label, LabelImage, SetAside, consolidation_of, failure_of
from recto.consolidation.objects import Given, LabelledObject, Result, consolidate
from recto.consolidation.rules import Rules

__all__ = [
    "Given", "Label", "LabelImage", "LabelledObject", "Result", "Rules", "SetAside", "consolidate",
    "consolidation_of", "failure_of",
]  # fmt: skip
