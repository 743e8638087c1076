"""Takes the pictures of docs/web.md and README.md: `python -m tests.web.browser.pictures [FOLDER]`, with extensions/ on PYTHONPATH.

Without a folder, three of them replace those of docs/images. With one, all states are written there, in light, dark and on a narrow screen,
for people who change the page and want to look at it.
"""

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from sampan import root
from sampan.source import Template
from tests.harness import ROOT
from tests.web.browser.conftest import FLAGS, chromium, watched
from tests.web.conftest import GENEROUS, served

WIDE: Final = {"width": 1360, "height": 900}
TALL: Final = {"width": 1360, "height": 1720}
NARROW: Final = {"width": 360, "height": 740}
MOST: Final = 150_000
"""Bytes of a picture of the documents."""
PRODUCTION: Final = "/?profile=production&project_name=Orders&domain=api.example.com"


def _savings(page: Page) -> None:
    page.locator("#savings > summary").click()
    page.locator("#savings").scroll_into_view_if_needed()


def _error(page: Page) -> None:
    page.locator("#db_storage_gb-field").scroll_into_view_if_needed()


def _differences(page: Page) -> None:
    page.locator("#files-link a").click()
    page.locator("#tree").wait_for(timeout=60_000)
    page.locator("#waf").evaluate("box => { box.closest('details').open = true; box.click(); }")
    page.locator("#tree .changed").first.wait_for(timeout=60_000)
    page.locator("#tree .changed button[value='.copier-answers.yml'], #tree .changed button").first.click()
    page.locator("#file-dialog #file").wait_for()


def _top(_: Page) -> None:
    """Do nothing: the page starts at the top."""


STATES: Final[dict[str, tuple[str, Callable[[Page], None]]]] = {
    "start": ("/", _top),
    "production": (PRODUCTION, _savings),
    "chosen": (PRODUCTION, _top),
    "error": ("/?profile=production&db_storage_gb=5", _error),
    "differences": ("/?profile=startup&project_name=Orders", _differences),
    "compare": ("/compare?a=profile%3Dstartup&b=profile%3Dproduction%26domain%3Dapi.example.com", _top),
}
KEPT: Final = {
    "web-production": ("chosen", "light", TALL),
    "web-compare": ("compare", "light", WIDE),
    "web-differences": ("differences", "dark", WIDE),
}
"""Pictures of the documents: state, colour scheme and size by name."""
TO_WEBP: Final = """
async (png) => {
  const image = await createImageBitmap(await (await fetch(png)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d").drawImage(image, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.8 });
  return btoa(Array.from(new Uint8Array(await blob.arrayBuffer()), (byte) => String.fromCharCode(byte)).join(""));
}
"""


def take(browser: Browser, site: str, state: str, scheme: str, viewport: dict[str, int]) -> bytes:
    """Return a picture of a state."""
    path, prepare = STATES[state]
    with watched(browser, site, color_scheme=scheme, viewport=viewport, reduced_motion="reduce") as page:
        page.goto(path)
        prepare(page)
        page.wait_for_timeout(300)
        return page.screenshot()


def webp(browser: Browser, png: bytes) -> bytes:
    """Return a picture as WebP, which takes a third of the bytes."""
    page = browser.new_page()
    encoded: str = page.evaluate(TO_WEBP, f"data:image/png;base64,{base64.b64encode(png).decode()}")
    page.close()
    return base64.b64decode(encoded)


def main(folder: Path | None) -> None:
    """Take the pictures."""
    template = Template(str(root.root()), None, None, root.root())
    with served(template, GENEROUS) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(playwright), args=FLAGS)
        site = url.rstrip("/")
        if folder is None:
            for name, (state, scheme, viewport) in KEPT.items():
                picture = webp(browser, take(browser, site, state, scheme, viewport))
                if len(picture) > MOST:
                    sys.exit(f"{name}.webp has {len(picture)} bytes; {MOST} are the most.")
                (ROOT / f"docs/images/{name}.webp").write_bytes(picture)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            for state in STATES:
                for look, scheme, viewport in (("light", "light", WIDE), ("dark", "dark", WIDE), ("narrow", "light", NARROW)):
                    (folder / f"{state}-{look}.png").write_bytes(take(browser, site, state, scheme, viewport))
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
