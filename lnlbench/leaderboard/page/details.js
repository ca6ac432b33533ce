// The details below a row, and the comparison of runs. Text is inserted as text, never as HTML.

function readDetail(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

function toggleRow(row, button) {
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  if (open && !row.detail) {
    const cell = element("td", { colspan: String(row.cells.length), class: "detail" });
    row.detail = element("tr", { id: `${row.id}-open` }, cell);
    cell.append(detailPanel(readDetail(`${row.id}-detail`)));
    row.after(row.detail);
  }
  row.detail.hidden = !open;
}

function detailPanel(detail) {
  const panel = element("div", { class: "panel" }, element("h3", {}, detail.title));
  panel.append(curveCharts(detail));
  if (detail.pictures) panel.append(...pictures(detail.pictures, detail.seeds.length));
  const columns = element("div", { class: "columns" });
  columns.append(block("Facts", definitions(detail.facts)));
  if (detail.params.length) columns.append(block("Parameters", definitions(detail.params)));
  columns.append(block("Runs", runsTable(detail.runs)));
  if (detail.events.length) {
    const events = detail.events.map(([event, count]) => [event, count === 1 ? "once" : `${count} times`]);
    columns.append(block("Events", definitions(events)));
  }
  if (detail.published.length) columns.append(block("Published, never ranked with ours", publishedList(detail.published)));
  const command = element("pre", { tabindex: "0" }, element("code", {}, detail.command));
  panel.append(columns, command);
  addCopyButton(command);
  return panel;
}

function addCopyButton(block) {
  const button = element("button", { type: "button", class: "copy" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(block.querySelector("code").textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(block.querySelector("code"));
      button.textContent = "Selected: copy it";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  block.before(button);
}

function curveCharts(detail) {
  const grid = element("div", { class: "charts" });
  const curves = { ...detail.curves };
  const same = JSON.stringify(curves.test_accuracy) === JSON.stringify(curves.test_accuracy_single);
  if (same) delete curves.test_accuracy_single;
  for (const { title, curves: wanted, share } of chartsFor(Object.keys(curves))) {
    const lines = wanted.map(([name, label]) => ({
      label,
      seeds: curves[name],
      mean: meanCurve(curves[name]),
    }));
    const shown = lines.filter((line) => line.mean.some((value) => value != null));
    if (shown.length) grid.append(chart(title, detail.epochs, shown, share));
  }
  if (!grid.children.length) grid.append(element("p", {}, "No curves: no run has finished."));
  else if (detail.seeds.length > 1) {
    grid.prepend(element("p", { class: "key" }, `The thick line is the mean of ${detail.seeds.length} seeds. Each thin line is a seed.`));
  }
  return grid;
}

function block(title, content) {
  return element("section", {}, element("h4", {}, title), content);
}

function definitions(pairs) {
  const list = element("dl");
  for (const [name, value] of pairs) list.append(element("dt", {}, name), element("dd", {}, value));
  return list;
}

function runsTable(runs) {
  const rows = runs.map(({ file, cells: [name, ...rest] }) => [
    file ? element("a", { href: file }, name) : name,
    ...rest,
  ]);
  return element("div", { class: "scroll" }, simpleTable(readDetail("headings").runs, rows));
}

function publishedList(figures) {
  const items = figures.map((figure) =>
    element(
      "li",
      {},
      `${figure.accuracy}: ${figure.rule}, network ${figure.network}. `,
      element("a", { href: figure.url, rel: "noreferrer" }, figure.citation),
    ),
  );
  return element("ul", {}, ...items);
}

// Below a table: the mean curves of its open rows over each other, once two rows are open.
function compareOpenRows(table) {
  const open = table.rows.filter((row) => !row.hidden && isOpen(row));
  table.compare ??= table.more.parentElement.insertBefore(
    element("div", { class: "compare" }),
    table.more.nextSibling,
  );
  table.compare.replaceChildren();
  if (open.length < 2) return;
  const button = element("button", { type: "button", class: "more" }, `Compare the ${open.length} open rows`);
  button.addEventListener("click", () => {
    const runs = open.map((row) => {
      const { title, epochs, curves } = readDetail(`${row.id}-detail`);
      const means = Object.entries(curves).map(([name, seeds]) => [name, [meanCurve(seeds)]]);
      return { label: title.replace(", recipe matched", ""), epochs, curves: Object.fromEntries(means) };
    });
    const panel = element("div", { class: "panel" }, element("h3", {}, "Means over seeds"));
    panel.append(comparison(runs));
    button.replaceWith(panel);
    panel.scrollIntoView({ block: "nearest" });
  });
  table.compare.append(button);
}

// Compares runs: one chart for each curve, one line for each run.
function comparison(runs) {
  const grid = element("div", { class: "charts" });
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.curves)))].sort();
  for (const { title, curves, share } of chartsFor(names)) {
    for (const [name, label] of curves) {
      const having = runs.filter((run) => name in run.curves);
      const epochs = [...new Set(having.flatMap((run) => run.epochs))].sort((a, b) => a - b);
      const lines = having.map((run) => {
        const at = new Map(run.epochs.map((epoch, i) => [epoch, run.curves[name][0][i]]));
        return { label: run.label, seeds: [], mean: epochs.map((epoch) => at.get(epoch) ?? null) };
      });
      const full = curves.length > 1 ? `${title}: ${label}` : title;
      const shown = lines.filter((line) => line.mean.some((value) => value != null));
      if (shown.length) grid.append(chart(full, epochs, shown, share));
    }
  }
  return grid;
}
