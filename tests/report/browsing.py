"""What the tests of pages look for."""

from chromium import Page


def names(page: Page) -> list[str]:
    """The numbers of the photographs that are shown, in order."""
    # Not the inner text: it is empty until the browser has laid a new tile out.
    texts = (text.strip() for text in page.locator(".host .open").all_text_contents())
    return [text.removeprefix("photo-").removesuffix(".jpg").lstrip("0") or "0" for text in texts]


def at(page: Page, frame: str) -> float:
    """Where the divider of a comparison is, in percent."""
    value = page.locator(frame).first.evaluate("e => e.style.getPropertyValue('--at')")
    return float(value.rstrip("%"))


def no_sideways_scroll(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")
