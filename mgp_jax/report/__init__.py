"""Reports on a run for people: the page `index.html` and the contact sheet."""

from mgp_jax.report.contact_sheet import contact_sheet, tile, write_contact_sheet
from mgp_jax.report.page import write_demo_page, write_page

__all__ = ["contact_sheet", "tile", "write_contact_sheet", "write_demo_page", "write_page"]
