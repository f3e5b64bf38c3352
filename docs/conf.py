"""The site: what stands in docs/, and the Python interface from docstrings. ``make site`` builds it into runs/site."""

import os
from importlib import metadata

os.environ.setdefault("OMP_NUM_THREADS", "1")

project = "segdepth"
author = "the segdepth authors"
release = version = metadata.version("segdepth")
copyright = author

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["benchmarks/*", "clusters/*"]

html_theme = "furo"
html_title = "segdepth"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b62c4", "color-brand-content": "#0b62c4"},
    "dark_css_variables": {"color-brand-primary": "#6db3ff", "color-brand-content": "#6db3ff"},
}
copybutton_exclude = ".linenos, .gp, .go"

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # they are kept with what they printed; a slow test runs them

autodoc_member_order = "groupwise"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_attr_annotations = False  # shapes in them, "h w *values", are no RST
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
