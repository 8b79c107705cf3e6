"use strict";
// Uploads by draft-ietf-httpbis-resumable-upload-12: an empty POST names the place, PATCH requests append to it. The place
// is remembered, so that the same file, chosen again after a reload or a crash, goes on where it stopped.

const piece_bytes = Number(new URLSearchParams(location.search).get("piece")) || 8 * 1024 * 1024;
const $ = (selector, root = document) => root.querySelector(selector);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const size_text = (bytes) => bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

class Stopped extends Error {}

class Upload {
  constructor(file) {
    this.file = file;
    this.key = `upload:${file.name}:${file.size}:${file.lastModified}`;
    this.row = $("#upload").content.cloneNode(true).firstElementChild;
    $(".name", this.row).textContent = file.name;
    $(".pause", this.row).addEventListener("click", () => this.toggle());
    $(".cancel", this.row).addEventListener("click", () => this.cancel());
    $("#uploads").append(this.row);
  }

  show(offset, state) {
    $("progress", this.row).value = this.file.size ? offset / this.file.size : 1;
    $(".state", this.row).textContent = state ?? `${size_text(offset)} of ${size_text(this.file.size)}`;
  }

  toggle() {
    this.paused = !this.paused;
    $(".pause", this.row).textContent = this.paused ? "Resume" : "Pause";
    if (this.paused) this.abort?.abort();
    else this.run();
  }

  async cancel() {
    this.cancelled = true;
    this.abort?.abort();
    const place = localStorage.getItem(this.key);
    if (place) await fetch(place, { method: "DELETE" }).catch(() => {});
    localStorage.removeItem(this.key);
    this.row.remove();
  }

  call(method, place, headers, body) {
    this.abort = new AbortController();
    return fetch(place, { method, headers, body, signal: this.abort.signal });
  }

  // Where to go on: the place and the offset, asked for or made.
  async place() {
    const known = localStorage.getItem(this.key);
    if (known) {
      const answer = await this.call("HEAD", known);
      if (answer.ok && answer.headers.get("Upload-Complete") === "?0") {
        return { place: known, offset: Number(answer.headers.get("Upload-Offset")) };
      }
      localStorage.removeItem(this.key);
      if (answer.ok) return { done: true };
    }
    const answer = await this.call("POST", "/uploads", {
      "Upload-Complete": "?0", "Upload-Length": String(this.file.size), "Content-Type": this.file.type || "application/octet-stream",
      "Content-Disposition": `inline; filename*=UTF-8''${encodeURIComponent(this.file.name)}`,
    });
    if (!answer.ok) throw new Stopped((await answer.json()).detail);
    const place = answer.headers.get("Location");
    localStorage.setItem(this.key, place);
    return { place, offset: 0 };
  }

  async send() {
    let { place, offset, done } = await this.place();
    this.resumed_at = offset;
    while (!done) {
      this.show(offset);
      const end = Math.min(offset + piece_bytes, this.file.size);
      const last = end === this.file.size;
      const answer = await this.call("PATCH", place, {
        "Upload-Offset": String(offset), "Upload-Complete": last ? "?1" : "?0", "Content-Type": "application/partial-upload",
      }, this.file.slice(offset, end));
      if (answer.status === 409) {
        offset = Number(answer.headers.get("Upload-Offset"));
        continue;
      }
      if (answer.status >= 500 && answer.status !== 507) throw new Error(`status ${answer.status}`);
      if (!answer.ok) throw new Stopped((await answer.json()).detail);
      offset = end;
      done = last;
    }
    localStorage.removeItem(this.key);
    this.show(this.file.size, "done");
    for (const button of this.row.querySelectorAll("button")) button.remove();
    await load();
  }

  // Tries again, less and less often, as long as nobody says stop.
  async run() {
    if (this.running) return; // It waits to try again: two of them would take the upload away from each other.
    this.running = true;
    for (let wait = 500; !this.paused && !this.cancelled; wait = Math.min(wait * 2, 30000)) {
      try {
        await this.send();
        break;
      } catch (error) {
        if (this.paused || this.cancelled) break;
        if (error instanceof Stopped) {
          this.show(0, error.message);
          break;
        }
        $(".state", this.row).textContent = "interrupted; it tries again";
        await pause(wait);
      }
    }
    this.running = false;
  }
}

async function load() {
  const { items } = await (await fetch("/files")).json();
  $("#files").replaceChildren(...items.map((file) => {
    const row = document.createElement("li");
    const link = document.createElement("a");
    link.href = `/files/${encodeURIComponent(file.name)}`;
    link.textContent = file.name;
    const size = document.createElement("span");
    size.className = "size";
    size.textContent = size_text(file.size);
    row.append(link, size);
    return row;
  }));
}

$("#choose").addEventListener("change", (event) => {
  for (const file of event.target.files) new Upload(file).run();
  event.target.value = "";
});
load();
