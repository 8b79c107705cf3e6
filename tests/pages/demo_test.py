#!/usr/bin/env python3
"""The demo's page in headless Chromium, used as a person uses it, on a desktop's and on a phone's screen.

  demo_test.py PATH/weir-demo FOLDER-FOR-SCREENSHOTS"""
import os
import sys
import tempfile

import browser
import service


def titles(page):
    return page.evaluate("[...document.querySelectorAll('.task .title')].map((e) => e.textContent)")


def wait_for_titles(page, wanted):
    page.wait(f"JSON.stringify([...document.querySelectorAll('.task .title')].map((e) => e.textContent)) === JSON.stringify({wanted})",
              f"the list does not become {wanted}")


def fill(demo):
    demo.request("POST", "/users", {"name": "Ada Lovelace", "email": "ada@example.com"})
    demo.request("POST", "/users", {"name": "Grace Hopper", "email": "grace@example.com"})
    demo.request("POST", "/tasks", {"title": "Send the invoice", "due": "2020-02-29", "priority": "high", "assignee": 1,
                                    "tags": ["office"]})
    demo.request("POST", "/tasks", {"title": "Water the plants", "due": "2030-06-01", "tags": ["home", "garden"],
                                    "notes": "The ficus needs little, the fern needs a lot."})
    demo.request("POST", "/tasks", {"title": "A very long title " + "that goes on and on " * 6, "priority": "low"})


def use(page, demo, folder):
    fill(demo)
    page.open(demo.url + "/", 1280, 900)
    page.wait("document.querySelectorAll('.task').length === 3", "the tasks do not show")
    page.wait("document.querySelector('#live').textContent === 'live'", "the page does not listen to changes")
    if page.evaluate("document.querySelectorAll('.late').length") != 1:
        raise browser.Failed("the overdue task is not marked")

    # A new task, by the form.
    page.type("#add-title", "Buy <b>bread</b>")
    page.evaluate("document.querySelector('#add-due').value = '2030-01-31'")
    page.type("#add-tags", "shop, food")
    page.click("#add button")
    page.wait("document.querySelectorAll('.task').length === 4", "the new task does not show")
    if "Buy <b>bread</b>" not in titles(page) or page.evaluate("document.querySelector('.task b')") is not None:
        raise browser.Failed("the title is not shown as text")

    # Search.
    page.type("#find-q", "plants")
    wait_for_titles(page, ["Water the plants"])
    page.evaluate("const q = document.querySelector('#find-q'); q.value = ''; q.dispatchEvent(new Event('input', {bubbles: true}))")
    page.wait("document.querySelectorAll('.task').length === 4", "the search does not end")

    # Done: it leaves the open ones.
    page.click("[data-id='4'] .done")
    page.wait("document.querySelectorAll('.task').length === 3", "the finished task stays")
    if not demo.request("GET", "/tasks/4")["done"]:
        raise browser.Failed("the service does not know that the task is done")

    # Details, a change, an attachment.
    page.click("[data-id='2'] .open")
    page.wait("document.querySelector('.details [name=notes]')?.value.startsWith('The ficus')", "the details do not open")
    page.evaluate("document.querySelector('.details [name=title]').value = 'Water all plants'")
    page.click(".details button[type=submit]")
    page.wait("document.querySelector('[data-id=\"2\"] .title').textContent === 'Water all plants'", "the change does not show")
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "fern & ficus.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("green")
        page.choose_file(".details input[type=file]", path)
        page.wait("document.querySelector('.files a')?.textContent === 'fern & ficus.txt'", "the attachment does not show")
    if not demo.request("GET", "/tasks/2/attachments")["items"]:
        raise browser.Failed("the service has no attachment")
    page.wait("document.querySelector('[data-id=\"2\"] .meta').textContent.includes('1 file')", "the list does not count the file")
    page.screenshot(f"{folder}/demo-desktop.png")

    # What someone else does arrives by itself, and what is open stays open.
    demo.request("POST", "/tasks", {"title": "From elsewhere", "due": "2029-01-01"})
    page.wait("[...document.querySelectorAll('.title')].some((e) => e.textContent === 'From elsewhere')", "the change of another does not arrive")
    if page.evaluate("document.querySelectorAll('.details').length") != 1:
        raise browser.Failed("the open details have gone")
    demo.request("DELETE", "/tasks/5")
    page.wait("![...document.querySelectorAll('.title')].some((e) => e.textContent === 'From elsewhere')", "the deletion does not arrive")

    unnamed = page.evaluate("[...document.querySelectorAll('main input, main select, main textarea')]"
                            ".filter((e) => !e.labels?.length && !e.getAttribute('aria-label')).map((e) => e.outerHTML)")
    if unnamed:
        raise browser.Failed(f"fields without a name: {unnamed}")
    if page.problems:
        raise browser.Failed("the console says: " + "; ".join(page.problems))

    page.open(demo.url + "/", 390, 844)
    page.wait("document.querySelectorAll('.task').length === 3", "the tasks do not show on a phone")
    page.click("[data-id='2'] .open")
    page.wait("document.querySelector('.files a') !== null", "the details do not open on a phone")
    page.screenshot(f"{folder}/demo-phone.png")
    page.fits()
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    page.screenshot(f"{folder}/demo-dark.png")

    # An error is said in words, and the refusal of the service is the only line in the console.
    page.evaluate("call('POST', '/users', {json: {name: 'Eve', email: 'ada@example.com'}}).catch(show_error)")
    page.wait("document.querySelector('#error').textContent.includes('exists')", "the error is not shown")


def main():
    program, folder = sys.argv[1:]
    with service.running(program) as demo, browser.page() as page:
        try:
            use(page, demo, folder)
        except browser.Failed:
            page.screenshot(f"{folder}/demo-failed.png")
            raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
