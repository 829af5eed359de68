"""The local application: a page to restore and edit photographs on, for this computer alone.

`server` serves it. What can be done is in files that know nothing of pages (`wishes`, `restoring`,
`editing`, `exploring`), what the page looks like in `tabs`; `worker` owns the device between them.
Gradio, the extra `app`, is imported by the page alone.
"""

from mgp_jax.app.server import serve

__all__ = ["serve"]
