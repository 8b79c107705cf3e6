// The page of the demo: plain JavaScript on the service's own API.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const per_page = 20;
const state = { tasks: [], total: 0, pages: 1, users: [], open: null };

// --- the service ---

/// Calls the API; answers other than 2xx are thrown with what the problem (RFC 9457) says.
async function call(method, path, { json, body, headers = {} } = {}) {
  if (json !== undefined) {
    headers = { ...headers, "Content-Type": "application/json" };
    body = JSON.stringify(json);
  }
  const response = await fetch(path, { method, headers, body });
  const text = await response.text();
  let value = null;
  try {
    value = text === "" ? null : JSON.parse(text);
  } catch {
    // Not JSON: the status has to do.
  }
  if (response.ok) return value;
  const fields = (value?.errors ?? []).map((e) => `${e.field}: ${e.message}`).join("\n");
  throw new Error(fields || value?.detail || value?.title || `${method} ${path}: ${response.status}`);
}

function show_error(error) {
  $("#error").textContent = error ? error.message : "";
  $("#error").hidden = !error;
  if (error) $("#error").scrollIntoView({ block: "nearest" });
}

/// An event handler that shows what went wrong.
const guarded = (work) => async (event) => {
  event?.preventDefault?.();
  try {
    show_error(null);
    await work(event);
  } catch (error) {
    show_error(error);
  }
};

// --- small parts ---

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
/// Something and a word about it, in one line where there is room.
function pair(first, about) {
  const made = element("span", "pair");
  made.append(first, element("span", "quiet", about));
  return made;
}
const user_name = (id) => state.users.find((user) => user.id === id)?.name ?? `user ${id}`;
const tags_of = (text) => [...new Set(text.split(",").map((tag) => tag.trim()).filter((tag) => tag !== ""))];
const today = () => new Date(Date.now() - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 10);
function size_text(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}
function fill_people(select, none) {
  const chosen = select.value;
  select.replaceChildren(new Option(none, ""), ...state.users.map((user) => new Option(user.name, user.id)));
  select.value = [...select.options].some((option) => option.value === chosen) ? chosen : "";
}
/// What a form says about a task.
function task_from(form) {
  const data = new FormData(form);
  return {
    title: data.get("title").trim(),
    due: data.get("due") || null,
    priority: data.get("priority"),
    tags: tags_of(data.get("tags")),
    assignee: data.get("assignee") ? Number(data.get("assignee")) : null,
  };
}

// --- tasks ---

function meta_of(task) {
  const parts = [];
  if (task.due) {
    const late = !task.done && task.due < today();
    parts.push(element("span", late ? "late" : "", `${late ? "was due" : "due"} ${task.due}`));
  }
  if (task.priority !== "normal") parts.push(element("span", task.priority, `${task.priority} priority`));
  if (task.assignee) parts.push(element("span", "", user_name(task.assignee)));
  if (task.attachments) parts.push(element("span", "", task.attachments === 1 ? "1 file" : `${task.attachments} files`));
  for (const tag of task.tags) parts.push(element("span", "tag", tag));
  return parts;
}

function draw_task(task) {
  const item = $("#task-template").content.firstElementChild.cloneNode(true);
  item.dataset.id = task.id;
  item.classList.toggle("is-done", task.done);
  $(".title", item).textContent = task.title;
  $(".meta", item).replaceChildren(...meta_of(task));
  const done = $(".done", item);
  done.checked = task.done;
  done.setAttribute("aria-label", `Done: ${task.title}`);
  done.addEventListener("change", guarded(() => change(task, { done: done.checked })));
  const open = $(".open", item);
  open.setAttribute("aria-label", `Details of ${task.title}`);
  open.addEventListener("click", guarded(() => toggle(item, task)));
  return item;
}

async function change(task, patch) {
  await call("PATCH", `/tasks/${task.id}`, { json: patch, headers: { "If-Match": `"${task.version}"` } })
    .finally(load_tasks);
}

function draw() {
  // The details that are open stay as they are: someone may be typing there.
  const open = state.open && $(`[data-id="${state.open}"] .details`);
  const focus = document.activeElement;
  const focused_id = focus?.closest?.(".task")?.dataset.id;
  const focused_class = focus?.classList?.[0];
  $("#list").replaceChildren(...state.tasks.map((task) => {
    const item = draw_task(task);
    if (open && String(task.id) === String(state.open)) {
      item.append(open);
      $(".open", item).setAttribute("aria-expanded", "true");
    }
    return item;
  }));
  if (open?.isConnected && open.contains(focus)) focus.focus();
  else if (focused_id && focused_class) $(`[data-id="${focused_id}"] .${focused_class}`)?.focus();
  $("#count").textContent = state.total === 0 ? "No tasks here." : state.total === 1 ? "1 task" : `${state.total} tasks`;
  $("#more").hidden = state.tasks.length >= state.total;
}

let loading = 0;
async function load_tasks() {
  const mine = ++loading;
  const query = new URLSearchParams();
  for (const [name, value] of new FormData($("#find"))) if (value !== "") query.set(name, value);
  query.set("per_page", per_page);
  const numbers = Array.from({ length: state.pages }, (_, i) => i + 1);
  const pages = await Promise.all(numbers.map((page) => call("GET", `/tasks?${query}&page=${page}`)));
  if (mine !== loading) return;
  state.tasks = pages.flatMap((page) => page.items);
  state.total = pages[0].total;
  draw();
}

// --- the details of one task ---

async function toggle(item, task) {
  const there = $(".details", item);
  $(".details", $("#list"))?.remove();
  for (const button of document.querySelectorAll(".open")) button.setAttribute("aria-expanded", "false");
  state.open = there ? null : task.id;
  if (there) return;
  $(".open", item).setAttribute("aria-expanded", "true");
  const details = $("#details-template").content.firstElementChild.cloneNode(true);
  const form = $(".edit", details);
  fill_people(form.elements.assignee, "nobody");
  for (const name of ["title", "priority", "notes"]) form.elements[name].value = task[name];
  form.elements.due.value = task.due ?? "";
  form.elements.assignee.value = task.assignee ?? "";
  form.elements.tags.value = task.tags.join(", ");
  form.addEventListener("submit", guarded(async () => {
    await change(state.tasks.find((t) => t.id === task.id) ?? task, { ...task_from(form), notes: form.elements.notes.value });
  }));
  $(".delete", details).addEventListener("click", guarded(async () => {
    await call("DELETE", `/tasks/${task.id}`);
    await load_tasks();
  }));
  const file = $(".upload input", details);
  file.addEventListener("change", guarded(async () => {
    const form = new FormData();
    for (const chosen of file.files) form.append("file", chosen);
    await call("POST", `/tasks/${task.id}/attachments`, { body: form });
    file.value = "";
    await load_files(details, task);
  }));
  item.append(details);
  await load_files(details, task);
}

async function load_files(details, task) {
  const { items } = await call("GET", `/tasks/${task.id}/attachments`);
  $(".files", details).replaceChildren(...items.map((file) => {
    const item = element("li");
    const path = `/tasks/${task.id}/attachments/${encodeURIComponent(file.name)}`;
    const link = element("a", "", file.name);
    link.href = path;
    const remove = element("button", "", "Remove");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove ${file.name}`);
    remove.addEventListener("click", guarded(async () => {
      await call("DELETE", path);
      await load_files(details, task);
    }));
    item.append(pair(link, size_text(file.size)), remove);
    return item;
  }));
}

// --- people ---

async function load_users() {
  state.users = (await call("GET", "/users?per_page=100")).items;
  fill_people($("#add-assignee"), "nobody");
  fill_people($("#find-assignee"), "anybody");
  $("#people").replaceChildren(...state.users.map((user) => {
    const item = element("li");
    const remove = element("button", "", "Remove");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove ${user.name}`);
    remove.addEventListener("click", guarded(() => call("DELETE", `/users/${user.id}`).then(load_all)));
    item.append(pair(element("span", "", user.name), user.email), remove);
    return item;
  }));
}
async function load_all() {
  await load_users();
  await load_tasks();
}

// --- changes that others make ---

function listen() {
  const live = $("#live");
  const show = (on) => {
    live.textContent = on ? "live" : "not connected";
    live.classList.toggle("on", on);
  };
  const events = new EventSource("/events");
  let waiting = null;
  const soon = (load) => () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => load().catch(show_error), 100);
  };
  // After a gap nobody knows what was missed.
  events.onopen = () => { show(true); soon(load_all)(); };
  events.onerror = () => show(false);
  for (const what of ["created", "changed", "deleted"]) {
    events.addEventListener(`task.${what}`, soon(load_tasks));
    events.addEventListener(`user.${what}`, soon(load_all));
  }
}

// --- start ---

$("#add").addEventListener("submit", guarded(async (event) => {
  await call("POST", "/tasks", { json: task_from(event.target) });
  event.target.reset();
  $("#add-title").focus();
  await load_tasks();
}));
$("#add-user").addEventListener("submit", guarded(async (event) => {
  await call("POST", "/users", { json: Object.fromEntries(new FormData(event.target)) });
  event.target.reset();
  await load_users();
}));
$("#find").addEventListener("submit", guarded(load_tasks));
$("#find").addEventListener("input", guarded(() => {
  state.pages = 1;
  return load_tasks();
}));
$("#more").addEventListener("click", guarded(() => {
  state.pages += 1;
  return load_tasks();
}));
guarded(load_all)();
listen();
