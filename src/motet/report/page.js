// Comfort for a page that can be read without it: theme, tables, gallery, files. It makes no HTML of text.
"use strict";

function make(tag, fields, ...children) {
  const element = Object.assign(document.createElement(tag), fields);
  element.append(...children);
  return element;
}
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

// The theme: that of the system until one is chosen.
const root = document.documentElement;
const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
function chooseTheme(name) {
  root.dataset.theme = name;
  try { localStorage.setItem("motet-theme", name); } catch { /* a page from a file may have no memory */ }
  nameTheme();
}
const theme = make("button", { type: "button", id: "theme", title: "switch between light and dark" });
theme.addEventListener("click", () => chooseTheme(isDark() ? "light" : "dark"));
try { if (["light", "dark"].includes(localStorage.getItem("motet-theme"))) root.dataset.theme = localStorage.getItem("motet-theme"); } catch { /* as above */ }
nameTheme();
document.querySelector("header").prepend(theme);

// Plots are saved as they are drawn on a light page, which is what a paper needs.
for (const link of all("a.svg")) {
  link.hidden = false;
  link.addEventListener("click", () => { link.href = link.closest(".plot").querySelector("img.light").src; });
}

// Tables: a click on a heading sorts, a field filters the rows of a long table.
function numberIn(text) {
  const found = text.replaceAll(",", "").replace("\u2212", "-").match(/^[▲▼+\s]*(-?[\d.]+)/);
  return found ? Number(found[1]) : NaN;
}
function compareCells(a, b) {
  const [x, y] = [numberIn(a), numberIn(b)];
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1; // no number comes last
  return Number.isNaN(x) ? a.localeCompare(b) : x - y;
}
function sortRows(table, column, down) {
  const body = table.tBodies[0];
  const text = (row) => row.cells[column]?.textContent.trim() ?? "";
  // A row without a task belongs to the task above it, so they move together.
  const groups = [];
  for (const row of all("tr:not(.total)", body)) {
    if (groups.length && column === 0 && !row.cells[0].textContent) groups.at(-1).push(row);
    else groups.push([row]);
  }
  groups.sort(([a], [b]) => (down ? -1 : 1) * compareCells(text(a), text(b)));
  body.append(...groups.flat(), ...all("tr.total", body));
}
for (const table of all("div.table table")) {
  if (table.tBodies[0].rows.length < 3) continue;
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((cell, column) => {
    const button = make("button", { type: "button", title: "sort" }, cell.textContent);
    cell.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = cell.ariaSort === "ascending";
      for (const other of heads) other.ariaSort = null;
      cell.ariaSort = down ? "descending" : "ascending";
      sortRows(table, column, down);
    });
  });
  if (!table.classList.contains("long")) continue;
  const field = make("input", { type: "search", placeholder: "filter rows", ariaLabel: "filter rows" });
  const count = make("span", { className: "muted" });
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase();
    const rows = all("tr", table.tBodies[0]);
    // Rows without a task are found by the task above them too.
    let task = "";
    for (const row of rows) {
      task = row.cells[0].textContent || task;
      row.hidden = !`${task} ${row.textContent}`.toLowerCase().includes(wanted);
    }
    count.textContent = wanted ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
  });
  table.closest("div.table").prepend(make("p", { className: "filter" }, field, count));
}

// The gallery: which cards are shown, how large, and one of them in full.
for (const gallery of all("div.gallery")) {
  const cards = all("figure", gallery);
  const choice = (label, key, texts) => {
    const values = [...new Set(cards.map((card) => card.dataset[key]).filter(Boolean))];
    if (values.length < 2) return null;
    const select = make("select", { ariaLabel: label }, make("option", { value: "" }, label), ...values.map((value) => make("option", { value }, texts[value] || value)));
    select.addEventListener("change", show);
    select.dataset.key = key;
    return select;
  };
  const field = make("input", { type: "search", placeholder: "words on a card", ariaLabel: "words on a card" });
  const size = make("input", { type: "range", min: 9, max: 40, value: 13, ariaLabel: "size of the cards", title: "size of the cards" });
  const count = make("span", { className: "muted" });
  const selects = [choice("all tasks", "task", {}), choice("all rows", "choice", {}), choice("right and wrong", "mark", { correct: "only right", wrong: "only wrong" })].filter(Boolean);
  function show() {
    const wanted = field.value.toLowerCase();
    for (const card of cards) {
      card.hidden = selects.some((select) => select.value && card.dataset[select.dataset.key] !== select.value) || !card.textContent.toLowerCase().includes(wanted);
    }
    for (const group of all(".group", gallery)) group.hidden = !all("figure:not([hidden])", group).length;
    count.textContent = `${cards.filter((card) => !card.hidden).length} of ${cards.length}`;
  }
  field.addEventListener("input", show);
  size.addEventListener("input", () => gallery.style.setProperty("--card-width", `${size.value}rem`));
  gallery.prepend(make("p", { className: "filter" }, ...selects, field, size, count));
  show();
}
const large = make("dialog", { id: "large", ariaLabel: "enlarged" });
large.addEventListener("click", () => large.close());
document.body.append(large);
for (const image of all("figure img")) {
  image.tabIndex = 0;
  image.setAttribute("role", "button");
  const open = () => {
    const card = image.closest("figure");
    const caption = card.querySelector("figcaption");
    large.replaceChildren(make("img", { src: image.src, alt: image.alt }), caption ? caption.cloneNode(true) : "");
    large.showModal();
  };
  image.addEventListener("click", open);
  image.addEventListener("keydown", (event) => { if (event.key === "Enter") open(); });
}

// Print shows what is folded away.
addEventListener("beforeprint", () => { for (const one of all("details:not([open])")) { one.open = true; one.dataset.printed = ""; } });
addEventListener("afterprint", () => { for (const one of all("details[data-printed]")) { one.open = false; delete one.dataset.printed; } });
