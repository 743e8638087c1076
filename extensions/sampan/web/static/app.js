// Live answers: each change fetches the page of the new answers and takes over its parts. Without this file the form works by its button.
"use strict";

const PAUSE = 350; // milliseconds without a key before a text counts as answered
let request = new AbortController();
let timer = 0;

const form = () => document.getElementById("answers");
const status = (text) => { document.getElementById("status").textContent = text; };

// Answers of the form, in the order of the fields.
function query() {
  return new URLSearchParams(new FormData(form())).toString();
}

// Fetch a page and show it. A later call aborts this one, so that old answers never replace new ones.
async function show(url, { push }) {
  request.abort();
  request = new AbortController();
  const mine = request;
  document.body.classList.add("is-waiting");
  try {
    const response = await fetch(url, { signal: mine.signal, headers: { Accept: "text/html" } });
    const text = await response.text();
    if (mine.signal.aborted) return;
    const page = new DOMParser().parseFromString(text, "text/html");
    if (!response.ok || !page.getElementById("answers")) {
      status(page.querySelector("h1, body")?.textContent.trim() || `The server answered ${response.status}.`);
      return;
    }
    if (push && response.url !== location.href) history.pushState(null, "", response.url);
    take(page);
    document.dispatchEvent(new CustomEvent("sampan:shown"));
  } catch (error) {
    if (error.name !== "AbortError") status("The server does not answer. Your answers are still in the form.");
  } finally {
    if (request === mine) document.body.classList.remove("is-waiting");
  }
}

// Take over the parts of another page that differ. The control with the focus stays; an open part stays open.
function take(page) {
  const focused = document.activeElement?.id;
  const open = new Set([...document.querySelectorAll("details[open]")].map((part) => part.id));
  for (const part of page.querySelectorAll("details")) if (open.has(part.id)) part.open = true;
  form().elements.from.value = page.getElementById("answers").elements.from.value;
  const names = (root) => [...root.querySelectorAll(".field")].map((field) => field.id).join();
  if (names(document) === names(page)) {
    for (const field of page.querySelectorAll(".field")) replace(field);
    for (const part of page.querySelectorAll(".problems-place, [data-live]")) replace(part);
  } else {
    for (const part of page.querySelectorAll(".group")) replace(part);
    const groups = [...page.querySelectorAll(".group")].map((part) => part.id).join();
    if (groups !== [...document.querySelectorAll(".group")].map((part) => part.id).join()) form().replaceWith(page.getElementById("answers"));
    for (const part of page.querySelectorAll("[data-live]")) replace(part);
  }
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
  enhance();
  status(`${document.getElementById("cost-total")?.textContent.trim()} a month. ${document.getElementById("problems-title")?.textContent ?? ""}`);
}

function replace(part) {
  const old = document.getElementById(part.id);
  if (!old || old.isEqualNode(part)) return;
  const active = document.activeElement;
  if (old.contains(active) && active.matches("input[type=text]")) keep(old, part, active);
  else old.replaceWith(part);
}

// Replace everything of a field but the text that is being written.
function keep(old, part, active) {
  const fresh = part.querySelector("input[type=text]");
  old.className = part.className;
  for (const name of ["aria-describedby", "aria-invalid"]) {
    if (fresh.hasAttribute(name)) active.setAttribute(name, fresh.getAttribute(name));
    else active.removeAttribute(name);
  }
  for (const note of old.querySelectorAll(".note, .error")) note.remove();
  for (const note of part.querySelectorAll(".note, .error")) old.append(note);
}

function enhance() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
}

const changed = () => { clearTimeout(timer); show(`/?${query()}`, { push: true }); };

document.documentElement.classList.add("js");
document.addEventListener("change", (event) => { if (event.target.form === form()) changed(); });
document.addEventListener("input", (event) => {
  if (event.target.form !== form() || !event.target.matches("input[type=text]")) return;
  clearTimeout(timer);
  timer = setTimeout(changed, PAUSE);
});
document.addEventListener("submit", (event) => {
  if (event.target !== form()) return;
  event.preventDefault();
  changed();
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    status("Copied.");
    return;
  }
  const link = event.target.closest("aside a[href^='/?']");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    show(link.href, { push: true });
  }
});
addEventListener("popstate", () => { if (form()) show(location.href, { push: false }); });
if (form()) enhance();
