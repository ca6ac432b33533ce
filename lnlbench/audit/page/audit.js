"use strict";
// Only one page of cards is in the document, so thousands of suspects stay fluent.
const PER_PAGE = 60;
const CHOICES = { a: "accept", k: "keep", u: "unsure", x: "" };
const data = JSON.parse(document.getElementById("data").textContent);
const [PATH, GIVEN, SUGGESTED, SUSPICION, AGREEMENT, NEAR_SUGGESTED, NEAR_GIVEN] = [0, 1, 2, 3, 4, 5, 6];
const store = "lnlbench-audit-" + data.audit;
const control = (id) => document.getElementById(id);
const cards = control("cards");
let decisions = load();
let shown = [];
let first = 0;

function load() {
  try {
    return new Map(Object.entries(JSON.parse(localStorage.getItem(store) || "{}")));
  } catch {
    return new Map(); // a browser may refuse storage; decisions then last as long as the page
  }
}

function keep() {
  try {
    localStorage.setItem(store, JSON.stringify(Object.fromEntries(decisions)));
  } catch {
    // as above
  }
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const isolated = (text) => element("bdi", { textContent: text });

function figure(image, title, path) {
  const picture = element("img", { alt: path, loading: "lazy" });
  picture.src = "data:image/jpeg;base64," + data.images[image];
  return element("figure", { title: path }, picture, element("figcaption", {}, ...title));
}

function card(number) {
  const row = data.rows[number];
  const [own, suggested, given] = data.pictures[number];
  const pictures = element("div", { className: "pictures" });
  if (own >= 0) pictures.append(figure(own, ["suspect"], row[PATH]));
  if (suggested >= 0) pictures.append(figure(suggested, ["a ", isolated(row[SUGGESTED])], row[NEAR_SUGGESTED]));
  if (given >= 0) pictures.append(figure(given, ["a ", isolated(row[GIVEN])], row[NEAR_GIVEN]));
  const choices = element("div", { className: "choices" });
  for (const choice of ["accept", "keep", "unsure"]) {
    const button = element("button", { type: "button", textContent: choice, tabIndex: -1 });
    button.dataset.choice = choice;
    choices.append(button);
  }
  const about = `suspicion ${Number(row[SUSPICION]).toFixed(3)}, ${Math.round(100 * row[AGREEMENT])} % of the models agree`;
  const made = element(
    "article",
    { tabIndex: 0 },
    pictures,
    element("div", {}, "given ", element("b", {}, isolated(row[GIVEN])), ", suggested ", element("b", {}, isolated(row[SUGGESTED]))),
    element("div", { textContent: about }),
    element("div", { className: "path" }, isolated(row[PATH])),
    choices,
  );
  made.dataset.number = number;
  mark(made, decisions.get(String(number)) || "");
  return made;
}

function mark(article, decision) {
  article.dataset.decision = decision;
  for (const button of article.querySelectorAll("[data-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.choice === decision));
  }
}

function decide(article, decision) {
  const number = article.dataset.number;
  if (decision) decisions.set(number, decision);
  else decisions.delete(number);
  keep();
  mark(article, decision);
  tell();
}

function tell() {
  const last = Math.min(first + PER_PAGE, shown.length);
  const range = shown.length ? `${first + 1}–${last} of ${shown.length} suspects` : "no suspect";
  control("count").textContent = `${range}, ${decisions.size} decided`;
  control("before").disabled = first === 0;
  control("after").disabled = last >= shown.length;
}

function draw() {
  cards.replaceChildren(...shown.slice(first, first + PER_PAGE).map(card));
  tell();
}

function select() {
  const [given, suggested, state] = ["given", "suggested", "state"].map((id) => control(id).value);
  const least = Number(control("least").value) || 0;
  shown = [];
  data.rows.forEach((row, number) => {
    const decision = decisions.get(String(number)) || "open";
    if (given && row[GIVEN] !== given) return;
    if (suggested && row[SUGGESTED] !== suggested) return;
    if (state && decision !== state) return;
    if (Number(row[SUSPICION]) >= least) shown.push(number);
  });
  first = 0;
  draw();
}

function turn(by) {
  const next = first + by * PER_PAGE;
  if (next < 0 || next >= shown.length) return false;
  first = next;
  draw();
  return true;
}

function move(article, by) {
  const all = [...cards.children];
  const next = all[all.indexOf(article) + by];
  if (next) next.focus();
  else if (turn(Math.sign(by)) && cards.children.length) {
    (by > 0 ? cards.firstElementChild : cards.lastElementChild).focus();
  }
}

function columns() {
  const tops = [...cards.children].map((each) => each.offsetTop);
  return Math.max(1, tops.filter((top) => top === tops[0]).length);
}

function cell(text) {
  // As lnlbench.system.cells does it: no spreadsheet shall run a cell as a formula.
  const risky = /^'*[=+\-@\t\r]/.test(text) && !/^[+-]?\d+(\.\d+)?$/.test(text);
  const guarded = risky ? "'" + text : text;
  return /[",\n\r]/.test(guarded) ? '"' + guarded.replaceAll('"', '""') + '"' : guarded;
}

function save() {
  const lines = ["path,given_label,suggested_label,decision"];
  for (const [number, row] of data.rows.entries()) {
    const decision = decisions.get(String(number));
    if (decision) lines.push([row[PATH], row[GIVEN], row[SUGGESTED], decision].map(cell).join(","));
  }
  const url = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
  element("a", { href: url, download: "decisions.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function options(id, column) {
  const names = [...new Set(data.rows.map((row) => row[column]))].sort();
  const made = names.map((name) => element("option", { value: name, textContent: name }));
  control(id).append(element("option", { value: "", textContent: "all" }), ...made);
  control(id).addEventListener("change", select);
}

options("given", GIVEN);
options("suggested", SUGGESTED);
control("state").addEventListener("change", select);
control("least").addEventListener("input", select);
control("before").addEventListener("click", () => turn(-1));
control("after").addEventListener("click", () => turn(1));
control("save").addEventListener("click", save);
cards.addEventListener("click", (event) => {
  const article = event.target.closest("article");
  if (!article) return;
  const choice = event.target.dataset.choice;
  if (choice) decide(article, choice === article.dataset.decision ? "" : choice);
  article.focus({ preventScroll: true });
});
cards.addEventListener("keydown", (event) => {
  const article = event.target.closest("article");
  if (!article || event.ctrlKey || event.metaKey || event.altKey) return;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
  if (event.key in CHOICES) {
    decide(article, CHOICES[event.key]);
    move(article, 1);
  } else if (event.key in steps) move(article, steps[event.key]);
  else return;
  event.preventDefault();
});
select();
if (cards.firstElementChild) cards.firstElementChild.focus({ preventScroll: true });
