#!/usr/bin/env python3
"""/docs in headless Chromium: the viewer shows every operation, and the console has nothing to say.

  docs_test.py PATH/weir-demo FOLDER-FOR-SCREENSHOTS"""
import sys

import browser
import service


def look(page, demo, folder):
    document = demo.request("GET", "/openapi.json")
    operations = sum(len(path) for path in document["paths"].values())
    for name, width, height in (("desktop", 1280, 900), ("phone", 390, 844)):
        page.open(demo.url + "/docs", width, height)
        page.wait(f"document.querySelectorAll('.opblock').length === {operations}", f"the viewer does not show {operations} operations")
        shown = page.evaluate("document.querySelector('.info .title').textContent")
        if document["info"]["title"] not in shown:
            raise browser.Failed(f"the title is {shown!r}")
        page.fits()
        page.screenshot(f"{folder}/docs-{name}.png")
    # One operation from the inside: its parameters and answers are there, and "Try it out" works under the policy.
    page.open(demo.url + "/docs", 1280, 900)
    page.wait(f"document.querySelectorAll('.opblock').length === {operations}", "the viewer is not there again")
    page.evaluate("[...document.querySelectorAll('.opblock-get [data-path]')].find((e) => e.dataset.path === '/users')"
                  ".closest('.opblock').querySelector('.opblock-summary-control').click()")
    page.wait("document.querySelector('.opblock.is-open .try-out__btn') !== null", "the operation does not open")
    page.click(".opblock.is-open .try-out__btn")
    page.wait("document.querySelector('.opblock.is-open button.execute') !== null", "there is nothing to execute")
    page.click(".opblock.is-open button.execute")
    page.wait("document.querySelector('.opblock.is-open .live-responses-table .response .response-col_status')?.textContent.includes('200')",
              "the call from the page is not answered with 200")
    page.screenshot(f"{folder}/docs-operation.png")


def main():
    program, folder = sys.argv[1:]
    with service.running(program) as demo:
        if not demo.has("/docs/swagger-ui-bundle.js"):
            print("SKIPPED: this build has no viewer; tools/fetch-npm-package --all brings swagger-ui-dist, then configure again.")
            return 77
        with browser.page() as page:
            look(page, demo, folder)
            if page.problems:
                raise browser.Failed("the console says: " + "; ".join(page.problems))
    return 0


if __name__ == "__main__":
    sys.exit(main())
