// Sorting, filtering and shortening a table of results.

const FIRST_ROWS = 25;

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

class ResultsTable {
  constructor(table, announce) {
    this.table = table;
    this.track = table.dataset.track;
    this.body = table.tBodies[0];
    this.rows = [...this.body.rows];
    this.heads = [...table.tHead.rows[0].cells];
    this.announce = announce;
    this.limit = FIRST_ROWS;
    this.more = element("button", { type: "button", class: "more", hidden: "" });
    this.more.addEventListener("click", () => {
      this.limit = Infinity;
      this.show();
    });
    table.parentElement.after(this.more);
    this.heads.forEach((head, index) => this.makeSortable(head, index));
    for (const row of this.rows) row.isWanted = true;
  }

  makeSortable(head, index) {
    if ("unsorted" in head.dataset) return;
    const button = element("button", { type: "button", class: "sort" }, head.firstChild);
    head.prepend(button);
    button.addEventListener("click", () => this.sort(index));
  }

  sort(index) {
    const head = this.heads[index];
    const numeric = head.classList.contains("n");
    const name = head.textContent.trim();
    const first = numeric && !("lowestFirst" in head.dataset) ? "descending" : "ascending";
    const other = first === "descending" ? "ascending" : "descending";
    const direction = head.getAttribute("aria-sort") === first ? other : first;
    for (const each of this.heads) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const keyed = this.rows.map((row) => [row, cellValue(row.cells[index], numeric)]);
    keyed.sort(([, a], [, b]) => compare(a, b, sign));
    this.rows = keyed.map(([row]) => row);
    const ordered = document.createDocumentFragment();
    for (const row of this.rows) ordered.append(row, ...(row.detail ? [row.detail] : []));
    this.body.append(ordered);
    this.show();
    this.announce(`Sorted by ${name}, ${direction}.`);
  }

  filter(wanted) {
    const text = wanted.method.trim().toLowerCase();
    for (const row of this.rows) {
      row.isAllowed =
        (!wanted.track || wanted.track === this.track) &&
        ["recipe", "oracle", "network"].every(
          (name) => !wanted[name] || wanted[name] === row.dataset[name],
        );
      row.isWanted =
        row.isAllowed && (!text || row.querySelector(".name").textContent.toLowerCase().includes(text));
    }
    return this.show();
  }

  // Plain cross-entropy and the oracles stay in sight: every other row is read against them.
  show(all = false) {
    const matching = this.rows.filter((row) => row.isWanted);
    const shown = new Set(all ? matching : matching.slice(0, this.limit));
    const hidden = matching.length - shown.size;
    for (const row of this.rows) {
      if (matching.length && row.isAllowed !== false && "reference" in row.dataset) shown.add(row);
      row.hidden = !shown.has(row);
      if (row.detail) row.detail.hidden = row.hidden || !isOpen(row);
    }
    this.more.hidden = hidden === 0;
    this.more.textContent = `Show all ${matching.length} rows`;
    this.table.closest("section").hidden = matching.length === 0;
    return matching.length;
  }
}

function cellValue(cell, numeric) {
  if (!numeric) return cell.textContent.trim().toLowerCase();
  return "v" in cell.dataset ? Number(cell.dataset.v) : null;
}

// Rows without a value come last, whatever the direction.
function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === "string") return sign * a.localeCompare(b, "en", { numeric: true });
  return sign * (a - b);
}

function isOpen(row) {
  return row.querySelector(".open")?.getAttribute("aria-expanded") === "true";
}
