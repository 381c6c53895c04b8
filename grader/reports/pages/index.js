"use strict";
// Sorting and filtering the students. What is chosen stands in the address, so that Back, a reload
// and a link that is passed on show the same rows.
(() => {
  const table = document.getElementById("table");
  if (!table) return;
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const asWritten = [...body.rows];
  let rows = asWritten;
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const filters = [...form.elements].map((element) => element.name).filter(Boolean);
  const more = document.getElementById("more");
  const FIRST = 200;  // rows laid out until more are asked for: a browser is slow at long tables
  let most = FIRST;
  const texts = new Map();  // of rows, filled when somebody types
  const values = new Map();  // by column, what it is sorted by; filled when it is
  let state = new URLSearchParams();

  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sortBy(head));
  }

  function sortBy(head) {
    const before = head.getAttribute("aria-sort");
    // Numbers are wanted the highest first, names from A.
    const first = head.classList.contains("number") ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    state.set("sort", head.dataset.key);
    state.set("order", before === first ? other : first);
    write();
    sort();
    filter();
  }

  function isOfNumbers(column) {
    return heads[column].matches(".number, [data-key=handed_in]");
  }

  function valuesOf(column) {
    if (!values.has(column)) {
      const of = (row) => {
        const { dataset, textContent } = row.cells[column];
        const text = dataset.value ?? textContent.trim();
        return isOfNumbers(column) ? parseFloat(text) : text;
      };
      values.set(column, new Map(asWritten.map((row) => [row, of(row)])));
    }
    return values.get(column);
  }

  function sort() {
    const column = heads.findIndex((head) => head.dataset.key === state.get("sort"));
    const order = state.get("order") === "descending" ? -1 : 1;
    heads.forEach((head, index) => {
      if (index !== column) head.removeAttribute("aria-sort");
      else head.setAttribute("aria-sort", order < 0 ? "descending" : "ascending");
    });
    rows = [...asWritten];
    if (column < 0) return;
    const of = valuesOf(column);
    const isEmpty = (value) => value === "" || Number.isNaN(value);
    const compare = isOfNumbers(column) ? (a, b) => a - b : collator.compare;
    rows.sort((one, other) => {
      const [a, b] = [of.get(one), of.get(other)];
      // What has no value comes last in either order.
      if (isEmpty(a) || isEmpty(b)) return isEmpty(a) - isEmpty(b);
      return order * compare(a, b);
    });
  }

  function filter() {
    const text = (state.get("text") || "").toLowerCase();
    const chosen = filters.filter((name) => name !== "text" && state.get(name));
    let count = 0;
    for (const row of rows) {
      if (text && !texts.has(row)) texts.set(row, row.textContent.toLowerCase());
      const matches =
        chosen.every((name) => (row.dataset[name] || "").split("\n").includes(state.get(name))) &&
        (!text || texts.get(row).includes(text));
      count += matches;
      row.hidden = !matches || count > most;
    }
    body.append(...rows);
    more.hidden = count <= most;
    more.textContent = more.dataset.text.replace("{count}", count);
    shown.textContent = count
      ? shown.dataset.text.replace("{count}", count).replace("{total}", rows.length)
      : shown.dataset.none;
    shown.classList.toggle("wrong", !count);
  }

  // The address: written without an entry in the history for each letter that is typed.
  function write() {
    history.replaceState(null, "", `#${state}`);
  }

  function read() {
    const hash = location.hash.slice(1);
    if (hash && document.getElementById(hash)) {  // a place in the page: what is chosen stays
      write();
      return false;
    }
    state = new URLSearchParams(hash);
    for (const name of filters) form.elements[name].value = state.get(name) || "";
    sort();
    filter();
    return filters.some((name) => state.get(name));
  }

  form.addEventListener("input", () => {
    for (const name of filters) {
      const value = form.elements[name].value;
      if (value) state.set(name, value);
      else state.delete(name);
    }
    write();
    filter();
  });
  form.addEventListener("reset", () => {
    filters.forEach((name) => state.delete(name));
    write();
    filter();
  });
  more.addEventListener("click", () => {
    const next = rows.filter((row) => !row.hidden)[most - 1];
    most = Infinity;
    filter();
    next.querySelector("a").focus();
  });
  window.addEventListener("beforeprint", () => {
    most = Infinity;
    filter();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", () => {
    if (!read()) return;
    const heading = document.getElementById("students");
    heading.scrollIntoView();
    heading.focus({ preventScroll: true });
  });
  form.hidden = false;
  read();
})();
