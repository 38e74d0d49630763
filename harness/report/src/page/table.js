"use strict";
// Sorts a table by a column, and hides the rows that do not hold every word of its filter box.
// A cell's sort key is its data-sort attribute; a cell without one is missing, and stays at the end either way.
const key = (row, column) => row.cells[column].dataset.sort;
const compare = (a, b) => {
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
};
function sort(table, header, direction) {
  const column = header.cellIndex;
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows];
  rows.sort((left, right) => {
    const [a, b] = [key(left, column), key(right, column)];
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    return sign * compare(a, b);
  });
  table.tBodies[0].append(...rows);
  for (const other of header.parentElement.cells) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", direction);
}
function filter(table, words, status) {
  let shown = 0;
  for (const row of table.tBodies[0].rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += !row.hidden;
  }
  status.textContent = words.length === 0 ? "" : `${shown} of ${table.tBodies[0].rows.length} rows`;
}
for (const table of document.querySelectorAll("table.sortable")) {
  for (const header of table.tHead.rows[0].cells) {
    const button = header.querySelector("button");
    if (!button) continue;
    button.addEventListener("click", () => {
      const first = header.dataset.first || "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      sort(table, header, header.getAttribute("aria-sort") === first ? second : first);
    });
  }
}
for (const box of document.querySelectorAll("input[data-filters]")) {
  const table = document.getElementById(box.dataset.filters);
  const status = box.closest(".filter").querySelector("[role=status]");
  box.closest(".filter").hidden = false;
  box.addEventListener("input", () => {
    filter(table, box.value.toLowerCase().split(/\s+/).filter(Boolean), status);
  });
}
// A link to a cell opens it.
const open = () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
};
window.addEventListener("hashchange", open);
open();
// One player at a time: a clean and an adversarial utterance are compared one after the other.
document.addEventListener("play", (event) => {
  for (const player of document.querySelectorAll("audio")) if (player !== event.target) player.pause();
}, true);
