// Starts the page when a browser has read it; the details of a row are made when the row is opened.

(() => {
  const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  const status = document.getElementById("status");
  const announce = (text) => {
    if (status) status.textContent = text;
  };
  const tables = [...document.querySelectorAll("table.results")].map((table) => new ResultsTable(table, announce));
  for (const table of tables) {
    for (const row of table.rows) {
      const name = row.querySelector(".name");
      const button = element("button", { type: "button", class: "open name", "aria-expanded": "false" }, ...name.childNodes);
      name.replaceWith(button);
      button.addEventListener("click", () => toggleRow(row, button));
    }
    table.show();
  }

  const form = document.getElementById("filters");
  if (form) {
    const apply = () => {
      const wanted = Object.fromEntries(new FormData(form));
      document.body.classList.toggle("all-columns", form.elements.all.checked);
      const counts = tables.map((table) => table.filter(wanted));
      const rows = counts.reduce((sum, count) => sum + count, 0);
      announce(`${counted(rows, "row")} in ${counted(counts.filter(Boolean).length, "table")}.`);
    };
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(apply));
    apply();
  }

  const compared = document.getElementById("comparison");
  if (compared) compared.append(comparison(readDetail("compared-runs")));
  // A report on one run compares nothing, so it opens the details below the row.
  else if (document.querySelector("main.report")) document.querySelector("button.open").click();

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  for (const [event, printing] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      document.documentElement.classList.toggle("printing", printing);
      redraw();
    });
  }
})();
