"""Corpora prepared for labelling and training: what `recto data` does, for programs and notebooks.

Each function takes places (a folder, or `s3://bucket/prefix`) and manifests, and gives values; what it left
out, and why, is in its report.
"""

from recto_data.archives import ArchiveError, unpack
from recto_data.catalogue import Catalogue, catalogue, names_in
from recto_data.collating import Collated, Content, Corpus, HowToCollate, collate
from recto_data.consolidating import Consolidated, HowToConsolidate, consolidate, read_jobs
from recto_data.corpus_work import Documents, Effort, draw_corpus, read_corpus
from recto_data.manifest_files import Mapped, read_content, read_lines, write_lines
from recto_data.page_counts import PageCounts, page_counts
from recto_data.places import Place, place_of, ref_reader
from recto_data.progress import RichBars
from recto_data.reports import Finding, Report, Status
from recto_data.sampling import HowToSample, Sample, TooFewError, sample
from recto_data.selecting import HowToSelect, select_at_random
from recto_data.showing import HowToShow, ShownPage, as_html, as_picture, pages_to_show
from recto_data.splitting import HowToSplit, Split, split
from recto_data.transfer import pull, push

__all__ = [
    "ArchiveError",
    "Catalogue",
    "Collated",
    "Consolidated",
    "Content",
    "Corpus",
    "Documents",
    "Effort",
    "Finding",
    "HowToCollate",
    "HowToConsolidate",
    "HowToSample",
    "HowToSelect",
    "HowToShow",
    "HowToSplit",
    "Mapped",
    "PageCounts",
    "Place",
    "Report",
    "RichBars",
    "Sample",
    "ShownPage",
    "Split",
    "Status",
    "TooFewError",
    "as_html",
    "as_picture",
    "catalogue",
    "collate",
    "consolidate",
    "draw_corpus",
    "names_in",
    "page_counts",
    "pages_to_show",
    "place_of",
    "pull",
    "push",
    "read_content",
    "read_corpus",
    "read_jobs",
    "read_lines",
    "ref_reader",
    "sample",
    "select_at_random",
    "split",
    "unpack",
    "write_lines",
]
