// The flame graph: the root on top, each function as wide as the goroutines that are in it.
(() => {
  const chart = document.getElementById("flame-chart");
  const data = JSON.parse(document.getElementById("data").textContent).flame;
  if (!chart || !data || !data.total) return;
  const ROW = 19, NARROWEST = 1.5, FIELDS = 7;
  const status = document.getElementById("flame-status");
  const search = document.getElementById("flame-search");
  const reset = document.getElementById("flame-reset");

  const root = {
    name: "all goroutines", file: "", line: 0, count: data.total, depth: 0, children: [], left: data.left, start: 0,
  };
  const trail = [root];
  for (let at = 0; at < data.cells.length; at += FIELDS) {
    const [depth, name, file, line, count, repeated, left] = data.cells.slice(at, at + FIELDS);
    const parent = trail[depth - 1];
    const before = parent.children[parent.children.length - 1];
    const start = before ? before.start + before.count : parent.start;
    const cell = { name: data.names[name], file: data.files[file], line, count, repeated, left, depth, parent, start };
    cell.children = [];
    parent.children.push(cell);
    trail[depth] = cell;
  }

  // "net/http" of "net/http.(*Server).Serve"
  const packageOf = (name) => {
    const slash = name.lastIndexOf("/");
    const dot = name.indexOf(".", slash + 1);
    return dot > 0 ? name.slice(0, dot) : name;
  };
  const runtime = /^(runtime|internal|sync|syscall|time)([/.]|$)/;
  const shade = (name) => {
    const pkg = packageOf(name);
    if (!name || name === root.name || name.startsWith("[")) return "plain";
    if (runtime.test(pkg)) return "runtime";
    if (pkg === "main") return "main";
    let hash = 0;
    for (const char of pkg) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
    return `p${hash % 8}`;
  };
  const share = (part, whole) => `${((100 * part) / whole).toFixed(part === whole ? 0 : 1)}%`;
  const place = (cell) => (cell.file ? cell.file + (cell.line ? `:${cell.line}` : "") : "");
  const plural = (count) => `${count.toLocaleString("en")} goroutine${count === 1 ? "" : "s"}`;

  let top = root;
  let focused = root;
  let found = null;
  const drawn = new Map();

  const tip = document.createElement("div");
  tip.id = "flame-tip";
  tip.hidden = true;
  document.body.append(tip);

  function describe(cell) {
    const lines = [`${plural(cell.count)}, ${share(cell.count, root.count)} of all`];
    if (cell.parent && cell.parent !== root) lines.push(`${share(cell.count, cell.parent.count)} of its caller`);
    if (cell.repeated) lines.push("calls itself");
    if (cell.left) lines.push(`${plural(cell.left)} in calls too small or too deep to draw`);
    return lines.join("; ");
  }

  function show(cell, box) {
    const name = document.createElement("strong");
    name.textContent = cell.name;
    const file = document.createElement("span");
    file.textContent = place(cell);
    const words = document.createElement("span");
    words.textContent = describe(cell);
    tip.replaceChildren(name, file, words);
    tip.hidden = false;
    const near = box.getBoundingClientRect();
    const left = Math.max(8, Math.min(near.left, innerWidth - tip.offsetWidth - 8));
    const below = near.bottom + 6 + tip.offsetHeight < innerHeight;
    tip.style.left = `${left}px`;
    tip.style.top = `${below ? near.bottom + 6 : Math.max(8, near.top - tip.offsetHeight - 6)}px`;
  }

  function box(cell, x, width) {
    const each = document.createElement("div");
    each.className = `cell ${shade(cell.name)}`;
    if (cell.depth < top.depth) each.classList.add("above");
    if (found) each.classList.add(found.test(cell.name) ? "hit" : "miss");
    each.style.left = `${x}px`;
    each.style.top = `${cell.depth * ROW}px`;
    each.style.width = `${Math.max(1, width - 1)}px`;
    if (width > 24) each.textContent = (cell.repeated ? "↻ " : "") + short(cell.name, width);
    each.setAttribute("role", "treeitem");
    each.setAttribute("aria-level", cell.depth + 1);
    each.setAttribute("aria-label", `${cell.name}: ${describe(cell)}`);
    each.tabIndex = cell === focused ? 0 : -1;
    each.addEventListener("mouseenter", () => show(cell, each));
    each.addEventListener("mouseleave", () => (tip.hidden = true));
    each.addEventListener("focus", () => {
      setFocus(cell);
      if (each.matches(":focus-visible")) show(cell, each);
    });
    each.addEventListener("blur", () => (tip.hidden = true));
    each.addEventListener("click", () => zoom(cell));
    drawn.set(cell, each);
    return each;
  }

  // Of a name that is too long its end tells most: "net/http.(*conn).serve", "http.(*conn).serve", "(*conn).serve".
  const short = (name, width) => {
    const room = (width - 8) / 6.7;
    if (name.length <= room) return name;
    const last = name.slice(name.lastIndexOf("/") + 1);
    return last.length <= room ? last : last.slice(last.indexOf(".") + 1);
  };

  function draw() {
    const inside = chart.contains(document.activeElement);
    drawn.clear();
    const scale = chart.clientWidth / top.count;
    const boxes = [];
    let deepest = 0;
    const path = [];
    for (let cell = top.parent; cell; cell = cell.parent) path.push(cell);
    for (const cell of path.reverse()) boxes.push(box(cell, 0, chart.clientWidth));
    const todo = [top];
    while (todo.length) {
      const cell = todo.pop();
      const width = cell.count * scale;
      if (width < NARROWEST) continue;
      boxes.push(box(cell, (cell.start - top.start) * scale, width));
      deepest = Math.max(deepest, cell.depth);
      for (let at = cell.children.length - 1; at >= 0; at--) todo.push(cell.children[at]);
    }
    chart.style.height = `${(deepest + 1) * ROW + 1}px`;
    chart.replaceChildren(...boxes);
    if (!drawn.has(focused)) { focused = top; drawn.get(top).tabIndex = 0; }
    if (inside) drawn.get(focused).focus({ preventScroll: true });
    reset.disabled = top === root;
  }

  function setFocus(cell) {
    const before = drawn.get(focused);
    if (before) before.tabIndex = -1;
    focused = cell;
    drawn.get(cell).tabIndex = 0;
  }

  function zoom(cell) {
    top = cell;
    focused = cell;
    tip.hidden = true;
    draw();
  }

  function beside(cell, step) {
    const level = [...drawn.keys()].filter((each) => each.depth === cell.depth).sort((a, b) => a.start - b.start);
    return level[level.indexOf(cell) + step];
  }

  chart.addEventListener("keydown", (event) => {
    const next = {
      ArrowDown: () => focused.children.find((each) => drawn.has(each)),
      ArrowUp: () => focused.parent,
      ArrowLeft: () => beside(focused, -1),
      ArrowRight: () => beside(focused, 1),
      Home: () => root,
    }[event.key];
    if (next) {
      const cell = next();
      event.preventDefault();
      if (cell && drawn.has(cell)) drawn.get(cell).focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      zoom(focused);
    } else if (event.key === "Escape") {
      zoom(root);
    }
  });

  // Of a function inside another that matches, the goroutines are counted already.
  function hits(cell) {
    return found.test(cell.name) ? cell.count : cell.children.reduce((sum, each) => sum + hits(each), 0);
  }

  search.addEventListener("input", () => {
    const text = search.value.trim();
    try {
      found = text ? new RegExp(text, "i") : null;
    } catch {
      found = new RegExp(text.replace(/[^\w]/g, "\\$&"), "i");
    }
    const count = found ? root.children.reduce((sum, each) => sum + hits(each), 0) : 0;
    status.textContent = found ? `${plural(count)}, ${share(count, root.count)}` : "";
    draw();
  });
  reset.addEventListener("click", () => zoom(root));
  let wide = chart.clientWidth;
  new ResizeObserver(() => {
    if (wide !== chart.clientWidth) draw();
    wide = chart.clientWidth;
  }).observe(chart.parentElement);
  addEventListener("beforeprint", () => zoom(root));
  draw();
})();
