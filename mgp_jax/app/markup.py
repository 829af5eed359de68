"""Pieces of the page as HTML. Everything that is not ours is escaped here."""

import html
from collections.abc import Sequence
from typing import Any

from mgp_jax.app.restoring import Step
from mgp_jax.images import picture_url

# Moves the divider; the style sheet does the rest.
SLIDE = "this.parentNode.style.setProperty('--at', this.value + '%')"
COPY = "navigator.clipboard.writeText(this.parentNode.querySelector('code').textContent)"


def escaped(text: str) -> str:
    """Escapes a text, also for the templates that the page fills."""
    return html.escape(text).replace("$", "&#36;").replace("{", "&#123;").replace("`", "&#96;")


def notice(text: str) -> str:
    """Returns a line that says what is or has been done."""
    return f'<p class="notice" role="status">{escaped(text)}</p>'


def problem(text: str) -> str:
    """Returns a line that says what went wrong."""
    return f'<p class="problem" role="alert">{escaped(text)}</p>'


def waiting(before: int) -> str:
    """Returns what who waits in line is shown."""
    if not before:
        return notice("Next in line.")
    return notice(f"Waiting: {before} {'others are' if before > 1 else 'other is'} before you.")


def running(step: Step) -> str:
    """Returns how far a restoration is, with the picture that becomes sharper."""
    if not step.steps:
        return notice("Preparing: looking for faces, compiling what has not been run before.")
    text = f"Step {step.step} of {step.steps}"
    if step.step == step.steps:
        text += ", putting it together"
    elif step.seconds_left is not None:
        text += f", {seconds(step.seconds_left)} left"
    return (
        f'<div class="running"><progress max="{step.steps}" value="{step.step}" '
        f'aria-label="Progress"></progress><p class="step">{text}</p>'
        f'<img src="{step.picture}" alt="The restoration so far"></div>'
    )


def seconds(count: float) -> str:
    """Returns a duration as people say it."""
    if count < 1:
        return "less than a second"
    if count < 90:
        return f"about {count:.0f} s"
    return f"about {count / 60:.0f} minutes"


def comparison(before: Any, after: Any, what: str) -> str:
    """Returns two images one over the other, with a divider that mouse, finger and keys move.

    Args:
        before: [H, W, C], see `picture_url`; it is stretched over the other one.
        after: [H, W, C].
        what: what both show.
    """
    height, width = after.shape[:2]
    return (
        f'<div class="compare" style="--ratio: {width / height:.4f}">'
        f'<img src="{picture_url(after)}" alt="{escaped(what)}, after">'
        f'<img class="before" src="{picture_url(before)}" alt="{escaped(what)}, before">'
        '<span class="label left" aria-hidden="true">before</span>'
        '<span class="label right" aria-hidden="true">after</span>'
        f'<input type="range" min="0" max="100" value="50" aria-label="Divider between before '
        f'(left) and after (right)" oninput="{SLIDE}"><span class="divider"></span></div>'
    )


def picture(image: Any, what: str, longest: int = 1024) -> str:
    """Returns an image as large as `comparison` shows two, so that one can follow on the other.

    Args:
        image: [H, W, C], see `picture_url`.
        what: what it is.
        longest: see `picture_url`.
    """
    height, width = image.shape[:2]
    return (
        f'<div class="compare" style="--ratio: {width / height:.4f}">'
        f'<img src="{picture_url(image, longest)}" alt="The face, {escaped(what)}">'
        f'<span class="label left">{escaped(what)}</span></div>'
    )


def brush(image: Any, field: str) -> str:
    """Returns an image with a canvas over it to paint on; `brush.js` does the rest.

    Args:
        image: [H, W, C].
        field: the id of what takes what is painted.
    """
    height, width = image.shape[:2]
    return (
        f'<div class="brush"><div class="paper" style="--ratio: {width / height:.4f}">'
        f'<img src="{picture_url(image)}" alt="The picture to paint on">'
        f'<canvas width="{width}" height="{height}" data-field="{field}" tabindex="0" role="img" '
        'aria-label="Paint here: arrow keys move, the space bar paints" '
        'onpointerdown="brush.start(this, event)" onpointermove="brush.move(this, event)" '
        'onpointerup="brush.end(this)" onpointercancel="brush.end(this)" '
        'onkeydown="brush.key(this, event)"></canvas><span class="cross"></span></div>'
        '<p><label>Width of the brush <input type="range" min="1" max="20" value="5"></label> '
        '<button type="button" onclick="brush.clear(this)">Clear</button></p></div>'
    )


def figures(pictures: Sequence[tuple[Any, str]], longest: int = 512) -> str:
    """Returns images side by side with what each is."""
    parts = [
        f'<figure><img src="{picture_url(image, longest)}" alt="{escaped(caption)}">'
        f"<figcaption>{escaped(caption)}</figcaption></figure>"
        for image, caption in pictures
    ]
    return f'<div class="figures">{"".join(parts)}</div>'


def downloads(files: Sequence[tuple[str, str]]) -> str:
    """Returns links that download files.

    Args:
        files: what each is called, and its address.
    """
    links = [
        f'<a class="download" href="{escaped(address)}" download>{escaped(label)}</a>'
        for label, address in files
    ]
    return f'<p class="downloads">{" ".join(links)}</p>'


def command(text: str, about: str = "The command that does the same:") -> str:
    """Returns a command with a button that copies it."""
    return (
        f'<div class="command"><p>{escaped(about)}</p>'
        f'<pre tabindex="0"><code>{escaped(text)}</code></pre>'
        f'<button type="button" onclick="{COPY}">Copy</button></div>'
    )


def report(address: str, title: str) -> str:
    """Returns a report page within the page; its scripts can reach nothing outside of it."""
    return (
        f'<iframe class="report" src="{escaped(address)}" title="{escaped(title)}" '
        'sandbox="allow-scripts allow-downloads"></iframe>'
        f'<p><a href="{escaped(address)}" target="_blank" rel="noopener">Open it alone</a></p>'
    )
