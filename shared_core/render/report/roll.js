// The list of all goroutines: rows are made for what is in sight only.
(() => {
  const host = document.getElementById("roll-table");
  const data = JSON.parse(document.getElementById("data").textContent).roll;
  if (!host || !data) return;
  const ROW = 26;
  const BLOCKED = 1, GROUP = 6, IDS = 7;
  const titles = ["Id", "State", "Blocked", "Thread", "Stands in", "Started by", "Labels"];
  const status = document.getElementById("roll-status");
  const search = document.getElementById("roll-search");

  const kinds = data.kinds.map((kind) => ({
    cells: kind.slice(0, GROUP).map((index) => data.texts[index]),
    group: kind[GROUP],
  }));
  for (const kind of kinds) kind.text = kind.cells.join(" ").toLowerCase();
  const total = data.kinds.reduce((sum, kind) => sum + kind[IDS].split(" ").length, 0);
  const ids = new Float64Array(total), of = new Uint32Array(total);
  let filled = 0;
  data.kinds.forEach((kind, number) => {
    let id = 0;
    for (const step of kind[IDS].split(" ")) {
      id += parseInt(step, 36);
      ids[filled] = id;
      of[filled++] = number;
    }
  });

  const used = [true, ...kinds[0] ? kinds[0].cells.map((_, at) => kinds.some((kind) => kind.cells[at])) : []];
  let order = Uint32Array.from(ids.keys());
  let column = 0, sign = 1;
  const seconds = (text) => {
    const time = text.match(/^~(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?$/);
    return time ? (time[1] || 0) * 3600 + (time[2] || 0) * 60 + Number(time[3] || 0) : -1;
  };

  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  titles.forEach((title, at) => {
    if (!used[at]) return;
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.className = title.toLowerCase().replace(/ /g, "-");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = title;
    button.addEventListener("click", () => {
      sign = column === at ? -sign : at === BLOCKED + 1 ? -1 : 1;
      column = at;
      arrange();
    });
    cell.append(button);
    head.append(cell);
  });
  const above = table.createTBody().insertRow(), body = table.createTBody(), below = table.createTBody().insertRow();
  host.append(table);

  function arrange() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const alike = kinds.map((kind) => words.filter((word) => !kind.text.includes(word)));
    const passing = [];
    for (let at = 0; at < total; at++) {
      const left = alike[of[at]];
      if (!left.length || left.every((word) => String(ids[at]) === word)) passing.push(at);
    }
    let rank = null;
    if (column) {
      const cells = kinds.map((kind) => kind.cells[column - 1]);
      const byTime = (a, b) => seconds(cells[a]) - seconds(cells[b]);
      const by = column === BLOCKED + 1 ? byTime : (a, b) => cells[a].localeCompare(cells[b]);
      rank = new Uint32Array(kinds.length);
      // Equal cells have equal ranks: ids decide between them.
      const sorted = [...kinds.keys()].sort(by);
      sorted.forEach((kind, at) => {
        rank[kind] = at && !by(sorted[at - 1], kind) ? rank[sorted[at - 1]] : at;
      });
    }
    passing.sort((a, b) => (rank && sign * (rank[of[a]] - rank[of[b]])) || (column ? 1 : sign) * (ids[a] - ids[b]));
    order = Uint32Array.from(passing);
    [...head.cells].forEach((cell) => cell.removeAttribute("aria-sort"));
    const shown = titles.map((_, at) => at).filter((at) => used[at]).indexOf(column);
    head.cells[shown].setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    status.textContent = words.length ? `${order.length.toLocaleString("en")} of ${total.toLocaleString("en")}` : "";
    host.scrollTop = 0;
    draw();
  }

  function draw() {
    const first = Math.max(0, Math.floor(host.scrollTop / ROW) - 8);
    const last = Math.min(order.length, first + Math.ceil(host.clientHeight / ROW) + 20);
    above.style.height = `${first * ROW}px`;
    below.style.height = `${(order.length - last) * ROW}px`;
    const rows = [];
    for (let at = first; at < last; at++) rows.push(row(order[at]));
    body.replaceChildren(...rows);
    table.setAttribute("aria-rowcount", order.length + 1);
  }

  function row(at) {
    const kind = kinds[of[at]];
    const made = document.createElement("tr");
    [String(ids[at]), ...kind.cells].forEach((text, column) => {
      if (!used[column]) return;
      const cell = made.insertCell();
      if (column === 0 && kind.group >= 0) {
        const link = document.createElement("a");
        link.href = `#stack${kind.group}`;
        link.textContent = text;
        link.title = "its stack";
        cell.append(link);
      } else {
        cell.textContent = text;
      }
      cell.title = text;
    });
    return made;
  }

  host.addEventListener("scroll", draw, { passive: true });
  host.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    const stack = link && document.querySelector(link.getAttribute("href"));
    if (stack) stack.open = true;
  });
  search.addEventListener("input", arrange);
  new ResizeObserver(draw).observe(host);
  arrange();
})();
