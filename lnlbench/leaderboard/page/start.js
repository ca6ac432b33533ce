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
      const toggle = () => {
        toggleRow(row, button);
        compareOpenRows(table);
        keepState();
      };
      button.addEventListener("click", toggle);
      row.addEventListener("click", (event) => {
        if (!event.target.closest("a, button") && !String(getSelection())) toggle();
      });
    }
    table.show();
  }

  // The filters and the open rows are in the address, so that a link shows what its sender saw.
  const form = document.getElementById("filters");
  const keepState = () => {
    const chosen = form ? Object.entries(Object.fromEntries(new FormData(form))).filter(([, value]) => value) : [];
    const rows = tables.flatMap((table) => table.rows);
    const open = rows.filter(isOpen).map((row) => ["open", row.id.replace(/^row-/, "")]);
    const query = new URLSearchParams([...chosen, ...open]).toString();
    history.replaceState(null, "", `${query ? `?${query}` : location.pathname}${location.hash}`);
  };
  if (form) {
    const apply = () => {
      const wanted = Object.fromEntries(new FormData(form));
      document.body.classList.toggle("all-columns", form.elements.all.checked);
      const counts = tables.map((table) => table.filter(wanted));
      // A comparison of several tracks says nothing on a track that is not in it.
      for (const section of document.querySelectorAll("section[data-tracks]")) {
        section.hidden = Boolean(wanted.track) && !section.dataset.tracks.split(" ").includes(wanted.track);
      }
      const rows = counts.reduce((sum, count) => sum + count, 0);
      announce(`${counted(rows, "row")} in ${counted(counts.filter(Boolean).length, "table")}.`);
    };
    const changed = () => {
      apply();
      keepState();
    };
    const given = new URLSearchParams(location.search);
    for (const field of form.elements) {
      if (field.type === "checkbox") field.checked = given.has(field.name);
      else if (field.name && given.has(field.name)) field.value = given.get(field.name);
      if (field.tagName === "SELECT" && field.selectedIndex < 0) field.selectedIndex = 0;
    }
    form.hidden = false;
    form.addEventListener("input", changed);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(changed));
    apply();
    for (const id of given.getAll("open")) {
      const button = document.getElementById(`row-${id}`)?.querySelector("button.open");
      if (button && !isOpen(button.closest("tr"))) toggleRow(button.closest("tr"), button);
    }
    tables.forEach(compareOpenRows);
  }
  for (const block of document.querySelectorAll("pre")) addCopyButton(block);

  const compared = document.getElementById("comparison");
  if (compared) compared.append(comparison(readDetail("compared-runs")));
  // A report on one run compares nothing, so it opens the details below the row.
  else if (document.querySelector("main.report")) document.querySelector("button.open").click();

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  for (const [event, printing] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      document.documentElement.classList.toggle("printing", printing);
      for (const table of tables) table.show(printing);
      redraw();
    });
  }
})();
