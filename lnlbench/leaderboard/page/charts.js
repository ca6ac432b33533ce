// Learning curves: which of them share a chart, and how uPlot draws it.

const percent = (value) => (value == null ? "–" : `${(100 * value).toFixed(2)} %`);
const plainNumber = (value) => (value == null ? "–" : String(Number(value.toPrecision(4))));

const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 2], [1, 2], [12, 4], [6, 2, 1, 2]];
const drawn = [];

// The charts of the page for these names; a name that belongs to no chart gets its own.
function chartsFor(names) {
  const left = new Set(names);
  const charts = [];
  for (const chart of readDetail("headings").charts) {
    const curves = Object.entries(chart.curves).filter(([name]) => left.delete(name));
    if (curves.length) charts.push({ ...chart, curves });
  }
  for (const name of left) {
    const title = name.replaceAll("_", " ");
    charts.push({ title, curves: [[name, title]] });
  }
  return charts;
}

function meanCurve(curves) {
  if (curves.length === 1) return curves[0];
  return curves[0].map((_, epoch) => {
    const known = curves.map((curve) => curve[epoch]).filter((value) => value != null);
    return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
  });
}

// One chart. Each line: {label, mean, seeds}, over the same epochs.
function chart(title, epochs, lines, share) {
  const format = share ? percent : plainNumber;
  const draw = (plot) => build(plot, epochs, lines, share, format);
  return drawing(title, spoken(title, lines, format), draw, numbers(lines, format)).figure;
}

// A figure around a plot. The plot is drawn when a reader first sees it, and after every change.
function drawing(title, spokenText, draw, ...below) {
  const plot = element("div", { class: "plot", role: "img", "aria-label": spokenText });
  const figure = element("figure", {}, element("figcaption", {}, title), plot, ...below);
  const entry = { plot, uplot: null, build: () => draw(plot) };
  drawn.push(entry);
  new ResizeObserver(() => {
    if (!plot.clientWidth) return;
    if (!entry.uplot) entry.uplot = entry.build();
    else if (entry.uplot.width !== plot.clientWidth) entry.uplot.setSize(size(plot));
  }).observe(plot);
  return { figure, plot, again: () => rebuild(entry) };
}

function rebuild(entry) {
  if (!entry.uplot) return;
  entry.uplot.destroy();
  entry.uplot = entry.build();
}

function size(plot) {
  return { width: plot.clientWidth, height: 210 };
}

function build(plot, epochs, lines, share, format) {
  const series = [{ label: "epoch" }];
  const data = [epochs];
  const add = (values, options) => {
    data.push(values);
    series.push({ points: { show: epochs.length < 3 }, value: (_, v) => format(v), ...options });
  };
  lines.forEach((line, i) => {
    if (line.seeds.length < 2) return;
    for (const seed of line.seeds) {
      add(seed, { class: "faint", stroke: color(`--line-${i % 8}`), width: 1, alpha: 0.35 });
    }
  });
  lines.forEach((line, i) => {
    const stroke = color(`--line-${i % 8}`);
    add(line.mean, { label: line.label, stroke, width: 2, dash: DASHES[i % 8] });
  });
  const axis = axisStyle();
  const values = share ? inPercent : undefined;
  const options = {
    ...size(plot),
    series,
    axes: [{ ...axis, size: 30 }, { ...axis, size: 48, ...(values && { values }) }],
    scales: { x: { time: false } },
    legend: legendOf(series),
    cursor: { y: false, drag: { x: false, y: false } },
  };
  return new uPlot(options, data, plot);
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function axisStyle() {
  return {
    stroke: color("--muted"),
    grid: { stroke: color("--rule"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
}

// Markers look like their lines, because some readers cannot tell colors apart.
function legendOf(series) {
  return { markers: { width: 2, dash: (_, i) => (series[i].dash?.length ? "dashed" : "solid") } };
}

const inPercent = (_, ticks) => ticks.map((v) => Number((100 * v).toFixed(1)));

// What a chart shows, for readers who cannot see it.
function spoken(title, lines, format) {
  return `${title}, last epoch: ${lines.map((l) => `${l.label} ${format(l.mean.at(-1))}`).join(", ")}`;
}

function numbers(lines, format) {
  const rows = lines.map((line) => {
    const known = line.mean.filter((value) => value != null);
    const shown = [known[0], Math.min(...known), Math.max(...known), known.at(-1)];
    const cells = known.length ? shown.map(format) : ["–", "–", "–", "–"];
    return [line.label, ...cells];
  });
  return element(
    "details",
    {},
    element("summary", {}, "Numbers"),
    simpleTable(["", "first", "lowest", "highest", "last"], rows),
  );
}

function simpleTable(header, rows) {
  const head = header.map((text) => element("th", { scope: "col" }, text));
  const body = rows.map(([first, ...rest]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, first),
      ...rest.map((cell) => element("td", {}, cell)),
    ),
  );
  return element(
    "table",
    { class: "simple" },
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...body),
  );
}

// Colors are read when a chart is drawn, so a change of theme, or printing, draws them again.
function redraw() {
  drawn.forEach(rebuild);
}
