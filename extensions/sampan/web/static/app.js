// Live answers: each change fetches the page of the new answers and takes over its parts. Without this file the form works by its button.
"use strict";

const PAUSE = 350; // milliseconds without a key before a text counts as answered
let request = new AbortController();
let files = new AbortController();
let timer = 0;
let answered = location.search; // answers that the history has for this page

const byId = (id) => document.getElementById(id);
const form = () => byId("answers");
// Announce an event to screen readers; a problem is shown to everybody.
function status(text, isProblem = false) {
  byId("status").className = isProblem ? "notice" : "sr";
  byId("status").textContent = text;
}

// Fetch a page as a document; `problem` has a sentence where the server refuses.
async function page(url, signal) {
  const response = await fetch(url, { signal });
  const found = new DOMParser().parseFromString(await response.text(), "text/html");
  const problem = response.ok ? "" : found.querySelector("h1, body")?.textContent.trim() || `The server answered ${response.status}.`;
  return { found, problem, url: response.url };
}

const failed = (error) => { if (error.name !== "AbortError") status("The server does not answer. Your answers are still in the form.", true); };

// Show the page of other answers. A later call aborts this one, so that old answers never replace new ones.
async function show(url, { push = true, typed = false } = {}) {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  document.body.classList.add("is-waiting");
  try {
    const next = await page(url, signal);
    if (signal.aborted) return;
    if (next.problem) return status(next.problem, true);
    const was = form().elements.from.value;
    if (push && next.url !== location.href) history.pushState(null, "", next.url);
    answered = location.search;
    if (!typed) writeTexts(next.found);
    take(next.found);
    if (form().elements.from.value !== was && byId("tree")) showFiles(was);
  } catch (error) {
    failed(error);
  } finally {
    if (request.signal === signal) document.body.classList.remove("is-waiting");
  }
}

// Take over the parts of another page that differ. The control with the focus stays; an open part stays open.
function take(next) {
  const focused = document.activeElement.id;
  const around = document.activeElement.closest("details, section")?.id;
  for (const part of next.querySelectorAll("details")) if (byId(part.id)?.open) part.open = true;
  const before = amounts();
  form().elements.from.value = next.getElementById("answers").elements.from.value;
  const outline = (root) => [...root.querySelectorAll(".group, .more, .field")].map((part) => part.id).join();
  if (outline(document) === outline(next)) for (const field of next.querySelectorAll(".field")) replace(field);
  else replaceGroups(next);
  const live = (root) => [...root.querySelectorAll("[data-live]")];
  for (const part of live(document)) if (!next.getElementById(part.id)) part.remove();
  for (const part of live(next)) replace(part);
  refocus(focused, around);
  enhance();
  const difference = amounts().map((amount, level) => Math.round(amount) - Math.round(before[level]));
  if (difference.some(Boolean)) byId("cost-delta").textContent = `${difference.map(signed).join(" to ")} by the last change`;
  status([`${byId("cost-total").textContent.trim()} a month`, byId("cost-delta").textContent, byId("problems-title")?.textContent].filter(Boolean).join(". "));
}

// Cost at low and at high traffic.
const amounts = () => [byId("cost-total").dataset.low, byId("cost-total").dataset.high].map(Number);
const signed = (amount) => `${amount > 0 ? "+" : amount < 0 ? "−" : ""}$${Math.abs(amount).toLocaleString("en-US")}`;

// Return the focus to the control that had it; where that is gone, to the part that it was in.
function refocus(id, around) {
  if (document.activeElement !== document.body) return;
  const part = byId(around);
  (byId(id) ?? part?.querySelector("summary, a[href], button") ?? byId("main")).focus({ preventScroll: true });
}

// Whether two parts look the same, and their controls have the same values.
function same(old, part) {
  const controls = (root) => [...root.querySelectorAll("input, select")].map((control) => `${control.value} ${control.checked}`).join("\n");
  return old.isEqualNode(part) && controls(old) === controls(part);
}

// Put the texts of the page into the fields: what stands there was written before a step back, or before a link was followed.
function writeTexts(next) {
  for (const control of next.querySelectorAll("#answers input[type=text]")) if (byId(control.id)) byId(control.id).value = control.value;
}

function replaceGroups(next) {
  for (const group of document.querySelectorAll(".group")) if (!next.getElementById(group.id)) group.remove();
  let before = byId("problems");
  for (const group of next.querySelectorAll(".group")) {
    const here = byId(group.id);
    if (here) replace(group);
    else before.after(group);
    before = byId(group.id);
  }
}

function replace(part) {
  const old = byId(part.id);
  if (!old) return;
  const active = document.activeElement;
  if (old.contains(active) && active.matches("input[type=text]")) keep(old, part, active);
  else if (!same(old, part)) old.replaceWith(part);
}

// Replace everything but the text that is being written.
function keep(old, part, active) {
  const field = active.closest(".field");
  const fresh = part.id === field.id ? part : part.querySelector(`#${field.id}`);
  if (fresh) {
    const control = fresh.querySelector("input[type=text]");
    for (const name of ["aria-describedby", "aria-invalid"]) {
      if (control.hasAttribute(name)) active.setAttribute(name, control.getAttribute(name));
      else active.removeAttribute(name);
    }
    for (const note of field.querySelectorAll(".note, .error")) note.remove();
    for (const note of [...fresh.querySelectorAll(".note, .error")]) field.append(note);
    field.className = fresh.className;
  }
  if (fresh !== part && old !== field) for (const each of part.querySelectorAll(".field")) if (each.id !== field.id) replace(each);
}

// The files of the answers, in their place beside the form; with `was`, those that the last change touched are marked.
async function showFiles(was) {
  files.abort();
  files = new AbortController();
  const { signal } = files;
  const link = document.querySelector("#files-link a");
  if (!link) return byId("files-here").replaceChildren();
  if (!byId("tree")) byId("files-here").textContent = "Rendering the project…";
  try {
    const url = new URL(link.href);
    if (was !== undefined) url.searchParams.set("was", was);
    const next = await page(url, signal);
    if (signal.aborted) return;
    const tree = next.found.getElementById("tree");
    if (!tree) {
      if (!byId("tree")) byId("files-here").replaceChildren();
      return status(next.problem, true);
    }
    for (const part of tree.querySelectorAll("details")) if (byId(part.id)?.open) part.open = true;
    byId("files-here").replaceChildren(tree);
    if (was !== undefined) status(byId("tree-summary").textContent);
  } catch (error) {
    failed(error);
  }
}

async function showFile(url) {
  try {
    const next = await page(url);
    const file = next.found.getElementById("file");
    if (!file) return status(next.problem, true);
    const close = document.createElement("button");
    close.className = "button close";
    close.textContent = "Close";
    close.addEventListener("click", () => byId("file-dialog").close());
    byId("file-dialog").replaceChildren(close, file);
    byId("file-dialog").showModal();
  } catch (error) {
    failed(error);
  }
}

function enhance() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
}

// Copy a text, and show for two seconds that it was copied.
async function copy(button) {
  try {
    await navigator.clipboard.writeText(byId(button.dataset.copy).textContent);
  } catch {
    return status("The browser does not allow copying. Select the text instead.", true);
  }
  status("Copied.");
  button.classList.add("is-done");
  setTimeout(() => button.classList.remove("is-done"), 2000);
}

// Get the suggestions of fields such as the time zone when the first of them has the focus.
async function suggest({ target }) {
  if (!target.matches("[list]") || target.list || target.form !== form()) return;
  const { found } = await page(form().dataset.lists).catch(() => ({ found: document.createElement("p") }));
  if (!target.list) document.body.append(...found.querySelectorAll("datalist"));
}

function changed() {
  clearTimeout(timer);
  show(`/?${new URLSearchParams(new FormData(form()))}`, { typed: true });
}

if (form()) {
  document.documentElement.classList.add("js");
  enhance();
  document.addEventListener("change", (event) => { if (event.target.form === form()) changed(); });
  document.addEventListener("input", (event) => {
    if (event.target.form !== form() || !event.target.matches("input[type=text]")) return;
    clearTimeout(timer);
    timer = setTimeout(changed, PAUSE);
  });
  document.addEventListener("submit", (event) => {
    if (event.target === form()) {
      event.preventDefault();
      changed();
    } else if (event.target.matches(".tree")) {
      event.preventDefault();
      showFile(`${event.target.action}?${new URLSearchParams(new FormData(event.target, event.submitter))}`);
    }
  });
  document.addEventListener("focusin", suggest);
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const button = event.target.closest("[data-copy]");
    const link = event.target.closest(".effects a[href^='/?'], #files-link a");
    if (button) {
      copy(button);
    } else if (link) {
      event.preventDefault();
      if (link.pathname === "/files") showFiles();
      else show(link.href);
    }
  });
  // A link to a field of this page fires it too, and must not fetch the answers before those that are being written.
  addEventListener("popstate", () => { if (location.search !== answered) show(location.href, { push: false }); });
}
