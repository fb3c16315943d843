
"use strict";
(() => {
  const words = JSON.parse(document.getElementById("words").textContent);
  const rank = { altered: 0, indeterminate: 1, unsigned: 2 };
  const worst = (row) => rank[row.integrity] ?? (row.indication === "TOTAL-PASSED" ? 4 : 3);
  const rows = JSON.parse(document.getElementById("data").textContent).slice(1).sort((a, b) => worst(a) - worst(b));
  const say = (key) => (key === null || key === undefined ? "–" : words[key] || String(key));
  const make = (tag, text, className) => {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    if (className) node.className = className;
    return node;
  };
  const form = document.getElementById("filters");
  const filters = {};
  const field = (label, control) => {
    const wrapper = make("label", label);
    wrapper.append(control);
    form.append(wrapper);
    control.addEventListener("input", show);
    return control;
  };
  const search = field(words.search, make("input"));
  search.type = "search";
  const choices = (name, values) => {
    const select = make("select");
    select.append(new Option(words.all, ""));
    [...new Set(values)].filter((v) => v !== null).sort().forEach((v) => select.append(new Option(say(v), v)));
    filters[name] = field(words[name], select);
  };
  for (const name of ["integrity", "indication", "trust", "time"]) choices(name, rows.map((r) => r[name]));
  choices("findings", rows.flatMap((r) => r.findings.map((f) => f[1])));
  const columns = ["path", "integrity", "indication", "reason", "trust", "time", "signers"];
  const labels = { path: "document" };
  let order = null, down = false;
  const head = make("tr");
  for (const name of columns) {
    const cell = make("th");
    const button = make("button", words[labels[name] || name]);
    cell.scope = "col";
    button.type = "button";
    button.addEventListener("click", () => {
      down = order === name && !down;
      order = name;
      head.querySelectorAll("th").forEach((th) => th.removeAttribute("aria-sort"));
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      show();
    });
    cell.append(button);
    head.append(cell);
  }
  document.getElementById("head").append(head);
  const body = document.getElementById("body");
  const matches = (row) => {
    const text = search.value.toLowerCase();
    if (text && !JSON.stringify(row).toLowerCase().includes(text)) return false;
    return Object.entries(filters).every(([name, select]) =>
      !select.value || (name === "findings" ? row.findings.some((f) => f[1] === select.value) : row[name] === select.value));
  };
  function line(row) {
    const tr = make("tr");
    const first = make("td");
    const details = make("details");
    details.append(make("summary", row.path || row.sha256 || "–"));
    details.addEventListener("toggle", () => {
      if (details.childElementCount > 1) return;
      const list = make("dl");
      for (const [name, value] of Object.entries(row)) {
        if (name === "findings" || name === "reason" || value === null || value === "") continue;
        list.append(make("dt", name), make("dd", String(value)));
      }
      const found = make("ul");
      for (const [severity, code, message, where, revision, page] of row.findings) {
        const place = [where, revision && `revision ${revision}`, page && `page ${page}`].filter(Boolean).join(", ");
        found.append(make("li", `${code}: ${message}${place ? ` (${place})` : ""}`, severity));
      }
      details.append(list, found);
    });
    first.append(details);
    tr.append(first, make("td", say(row.integrity), `state ${row.integrity}`));
    tr.append(make("td", [row.indication, row.sub_indication].filter(Boolean).join(" / ") || "–"));
    tr.append(make("td", row.reason || "–", "reason"), make("td", say(row.trust)), make("td", say(row.time)), make("td", row.signers || "–"));
    return tr;
  }
  function show() {
    const found = rows.filter(matches);
    if (order) found.sort((a, b) => String(a[order] ?? "").localeCompare(String(b[order] ?? "")) * (down ? -1 : 1));
    const most = 2000;
    body.replaceChildren(...found.slice(0, most).map(line));
    const counts = {};
    found.forEach((r) => { counts[r.integrity] = (counts[r.integrity] || 0) + 1; });
    const parts = Object.entries(counts).map(([state, n]) => `${n} ${say(state)}`).join(", ");
    document.getElementById("count").textContent =
      `${found.length} / ${rows.length} ${words.documents}${parts ? ": " + parts : ""}` +
      (found.length > most ? ` (${most} ${words.shown})` : "");
  }
  show();
})();
