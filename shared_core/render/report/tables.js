// Tables that can be sorted and filtered, and details that open for the printer and for links.
"use strict";

(() => {
  const units = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
  const number = (text) => {
    const match = text.replace(/,/g, "").match(/^[<~]?(-?[\d.]+) ?(%|B|KiB|MiB|GiB|TiB)?$/);
    if (match) return parseFloat(match[1]) * (units[match[2]] || 1);
    const time = text.match(/^~?-?(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?$/);
    if (text && time) return (time[1] || 0) * 3600 + (time[2] || 0) * 60 + Number(time[3] || 0);
    return null;
  };

  const compare = (a, b) => {
    if (a.number !== null && b.number !== null) return a.number - b.number;
    if (a.number !== null || b.number !== null) return a.number !== null ? 1 : -1;
    return a.text.localeCompare(b.text);
  };

  function sort(table, column, button) {
    const heads = table.tHead.rows[0].cells;
    const head = heads[column];
    const falling = head.classList.contains("n");
    const was = head.getAttribute("aria-sort");
    const direction = was ? (was === "ascending" ? "descending" : "ascending") : falling ? "descending" : "ascending";
    for (const each of heads) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const rows = [...table.tBodies[0].rows].map((row) => {
      const text = row.cells[column].textContent.trim();
      return { row, text, number: number(text) };
    });
    rows.sort((a, b) => sign * compare(a, b));
    table.tBodies[0].append(...rows.map((each) => each.row));
    button.focus();
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.textContent) return;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => sort(table, column, button));
    });
  }

  for (const input of document.querySelectorAll("input.filter")) {
    const rows = [...input.parentElement.querySelector("tbody").rows];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/);
      rows.forEach((row, at) => (row.hidden = !words.every((word) => texts[at].includes(word))));
    });
  }

  const links = [...document.querySelectorAll("nav a")];
  const sections = links.map((link) => document.querySelector(link.getAttribute("href")));
  const mark = () => {
    let at = sections.findIndex((each) => each.getBoundingClientRect().bottom > 120);
    if (at < 0 || innerHeight + scrollY >= document.body.scrollHeight - 2) at = sections.length - 1;
    links.forEach((link, each) => link.classList.toggle("here", each === at));
  };
  addEventListener("scroll", mark, { passive: true });
  mark();

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("section details:not([open])")].slice(0, 50);
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
  });
})();
