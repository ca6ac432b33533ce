// The diagnostics of a run: histograms over epochs, calibration, and single classes.

const FINE = 8; // points a bin, so that a mixture's density is smooth over it

function pictures(found, seeds) {
  const grid = element("div", { class: "charts" });
  const names = [...new Set(found.snapshots.flatMap((shot) => shot.histograms.map((each) => each.of)))];
  for (const name of names) grid.append(histogramOverEpochs(name, found.snapshots));
  if (found.reliability) grid.append(reliabilityChart(found.reliability));
  if (found.classes) grid.append(classChart(found.classes));
  if (!grid.children.length) return [];
  const which = seeds > 1 ? `From the median run, seed ${found.seed}.` : `From seed ${found.seed}.`;
  return [element("h4", { class: "inside" }, "Inside a run"), element("p", { class: "key" }, which), grid];
}

// One histogram at a time, chosen by its epoch.
function histogramOverEpochs(name, snapshots) {
  const shots = snapshots.flatMap((shot) => {
    const histogram = shot.histograms.find((each) => each.of === name);
    return histogram ? [{ epoch: shot.epoch, histogram }] : [];
  });
  let shown = shots.length - 1;
  const said = element("output", {});
  const slider = element("input", {
    type: "range", min: "0", max: String(shown), value: String(shown), step: "1",
    "aria-label": `Epoch of the histogram of the ${name}`,
  });
  const control = element("label", { class: "epoch" }, slider, said);
  const table = element("div", {});
  const title = `${name[0].toUpperCase()}${name.slice(1)} of training samples`;
  const picture = drawing(title, "", (plot) => histogramPlot(plot, shots[shown].histogram), control, table);
  const show = () => {
    const { epoch, histogram } = shots[shown];
    said.textContent = `after epoch ${epoch}`;
    slider.setAttribute("aria-valuetext", said.textContent);
    picture.plot.setAttribute("aria-label", `${title} after epoch ${epoch}: ${describe(histogram)}`);
    table.replaceChildren(histogramNumbers(histogram));
    picture.again();
  };
  slider.addEventListener("input", () => {
    shown = Number(slider.value);
    show();
  });
  control.hidden = shots.length < 2;
  show();
  return picture.figure;
}

const total = (counts) => counts.reduce((sum, count) => sum + count, 0);
const LABELS = { clean: "clean labels", wrong: "wrong labels", all: "all labels" };

function edges(histogram, bins) {
  const width = (histogram.high - histogram.low) / bins;
  return Array.from({ length: bins + 1 }, (_, i) => histogram.low + i * width);
}

// The median of the samples, to within a bin.
function median(histogram, counts) {
  const half = total(counts) / 2;
  const at = edges(histogram, counts.length);
  let sum = 0;
  const bin = counts.findIndex((count) => (sum += count) >= half);
  return (at[bin] + at[bin + 1]) / 2;
}

function describe(histogram) {
  const parts = Object.entries(histogram.counts).map(([name, counts]) =>
    total(counts) ? `${total(counts)} samples with ${LABELS[name]}, median about ${plainNumber(median(histogram, counts))}` : `no ${LABELS[name]}`,
  );
  if (histogram.mixture) parts.push(`mixture with means ${histogram.mixture.means.map(plainNumber).join(" and ")}`);
  if (histogram.threshold != null) parts.push(`threshold ${plainNumber(histogram.threshold)}`);
  return parts.join("; ");
}

function histogramNumbers(histogram) {
  const names = Object.keys(histogram.counts);
  const bins = histogram.counts[names[0]].length;
  const at = edges(histogram, bins);
  const rows = Array.from({ length: bins }, (_, i) => [
    `${plainNumber(at[i])} to ${plainNumber(at[i + 1])}`,
    ...names.map((name) => String(histogram.counts[name][i])),
  ]);
  return numbersBelow(["", ...names.map((name) => LABELS[name])], rows);
}

function numbersBelow(header, rows) {
  const table = element("div", { class: "scroll" }, simpleTable(header, rows));
  return element("details", {}, element("summary", {}, "Numbers"), table);
}

function histogramPlot(plot, histogram) {
  const names = Object.keys(histogram.counts);
  const all = names.reduce((sum, name) => sum + total(histogram.counts[name]), 0) || 1;
  const bins = histogram.counts[names[0]].length;
  const width = (histogram.high - histogram.low) / bins;
  const xs = Array.from({ length: bins * FINE + 1 }, (_, i) => histogram.low + (i * width) / FINE);
  const binOf = (i) => Math.min(bins - 1, Math.floor(i / FINE));
  const data = [xs];
  const series = [{ label: histogram.of, value: (_, v) => plainNumber(v) }];
  names.forEach((name, i) => {
    data.push(xs.map((_, x) => histogram.counts[name][binOf(x)] / all));
    const stroke = color(`--line-${i}`);
    const paths = uPlot.paths.stepped({ align: 1 });
    series.push({ label: LABELS[name], stroke, fill: `${stroke}33`, width: 1.5, dash: DASHES[i], paths, points: { show: false }, value: (_, v) => percent(v) });
  });
  histogram.mixture?.means.forEach((mean, i) => {
    const { weights, variances } = histogram.mixture;
    const scale = (weights[i] * width) / Math.sqrt(2 * Math.PI * variances[i]);
    data.push(xs.map((x) => scale * Math.exp(-((x - mean) ** 2) / (2 * variances[i]))));
    series.push({ label: `component ${i + 1}`, stroke: color("--ink"), width: 1.5, dash: DASHES[i + 1], points: { show: false }, value: (_, v) => percent(v) });
  });
  // A narrow component may rise far above every bin.
  const top = Math.max(...data.slice(1, 1 + names.length).flat(), 1e-6);
  return new uPlot(
    {
      ...size(plot),
      series,
      axes: [{ ...axisStyle(), size: 30 }, { ...axisStyle(), size: 48, values: inPercent }],
      scales: { x: { time: false }, y: { range: () => [0, 1.08 * top] } },
      legend: legendOf(series),
      cursor: { y: false, drag: { x: false, y: false } },
      hooks: { draw: histogram.threshold == null ? [] : [(u) => upright(u, histogram.threshold)] },
    },
    data,
    plot,
  );
}

function upright(u, value) {
  const x = u.valToPos(value, "x", true);
  const { left, top, width, height } = u.bbox;
  if (x < left || x > left + width) return;
  u.ctx.save();
  u.ctx.strokeStyle = color("--ink");
  u.ctx.setLineDash([4, 4]);
  u.ctx.beginPath();
  u.ctx.moveTo(x, top);
  u.ctx.lineTo(x, top + height);
  u.ctx.stroke();
  u.ctx.restore();
}

function reliabilityChart({ count, confidence, accuracy }) {
  const title = "Reliability on the test set";
  const filled = count.map((_, i) => i).filter((i) => count[i]);
  const rows = filled.map((i) => [percent(confidence[i]), percent(accuracy[i]), String(count[i])]);
  const off = filled.filter((i) => confidence[i] > accuracy[i]).reduce((sum, i) => sum + count[i], 0);
  const text = `${title}, last epoch: ${percent(off / (total(count) || 1))} of the samples are in bins with more confidence than accuracy`;
  const draw = (plot) =>
    simplePlot(plot, [filled.map((i) => confidence[i]), filled.map((i) => confidence[i]), filled.map((i) => accuracy[i])], [
      { label: "confidence", value: (_, v) => percent(v) },
      { label: "perfect", stroke: color("--muted"), width: 1, dash: [4, 4], points: { show: false }, value: (_, v) => percent(v) },
      { label: "accuracy", stroke: color("--line-0"), width: 2, points: { show: true, size: 7 }, value: (_, v) => percent(v) },
    ], { range: [0, 1], values: inPercent });
  return drawing(title, text, draw, numbersBelow(["confidence", "accuracy", "samples"], rows)).figure;
}

// Classes in order of their noise: does accuracy fall where labels are worse?
function classChart({ table, test_accuracy: accuracy }) {
  const { names, given, noise_rate: noise } = readDetail("class-tables")[table];
  const key = (i) => (noise ? (noise[i] ?? 0) : (accuracy[i] ?? 0));
  const order = names.map((_, i) => i).sort((a, b) => key(a) - key(b) || a - b);
  const title = noise ? "Classes, in order of their noise" : "Classes, in order of their accuracy";
  const rows = order.map((i) => [names[i], percent(noise?.[i]), percent(accuracy[i]), String(given[i])]);
  const known = order.filter((i) => accuracy[i] != null);
  const worst = known.reduce((low, i) => (low == null || accuracy[i] < accuracy[low] ? i : low), null);
  const text = worst == null ? title : `${title}, last epoch: lowest test accuracy ${percent(accuracy[worst])}, of ${names[worst]}`;
  const draw = (plot) => {
    const data = [order.map((_, i) => i + 1), order.map((i) => accuracy[i])];
    const series = [
      { label: "class", value: (_, v) => (v == null ? "–" : names[order[v - 1]]) },
      { label: "test accuracy", stroke: color("--line-0"), width: 0, points: { show: true, size: 5, fill: color("--line-0") }, paths: () => null, value: (_, v) => percent(v) },
    ];
    if (noise) {
      data.push(order.map((i) => noise[i]));
      series.push({ label: "noise rate", stroke: color("--line-1"), width: 2, dash: DASHES[1], points: { show: false }, value: (_, v) => percent(v) });
    }
    return simplePlot(plot, data, series, { values: (_, ticks) => ticks.map((v) => (Number.isInteger(v) ? v : "")) });
  };
  return drawing(title, text, draw, numbersBelow(["class", "noise rate", "test accuracy", "labeled so"], rows)).figure;
}

function simplePlot(plot, data, series, x) {
  const options = {
    ...size(plot),
    series,
    axes: [{ ...axisStyle(), size: 30, ...(x.values && { values: x.values }) }, { ...axisStyle(), size: 48, values: inPercent }],
    scales: { x: { time: false, ...(x.range && { range: () => x.range }) }, y: { range: () => [0, 1] } },
    legend: legendOf(series),
    cursor: { y: false, drag: { x: false, y: false } },
  };
  return new uPlot(options, data, plot);
}
